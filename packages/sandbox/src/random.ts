import { randomBytes } from 'node:crypto'

/** Where ids and secrets come from. */
export interface Randomness {
  /** A UUID v4. */
  uuid(): string
  /** `bytes` random bytes in base64url. */
  text(bytes: number): string
  /** A secret of `bytes` random bytes in base64url after `sandbox-secret-`, so that people and scanners recognise it. */
  secret(bytes: number): string
}

/** With a seed the same ids and secrets in every run (for reproducible tests only); without one, real randomness. */
export function createRandomness(seed?: number): Randomness {
  const bytes = seed === undefined ? randomBytes : seededBytes(seed)
  return {
    uuid: () => uuidOf(bytes(16)),
    text: (length) => bytes(length).toString('base64url'),
    secret: (length) => `sandbox-secret-${bytes(length).toString('base64url')}`,
  }
}

function uuidOf(bytes: Buffer): string {
  bytes.writeUInt8((bytes.readUInt8(6) & 0x0f) | 0x40, 6)
  bytes.writeUInt8((bytes.readUInt8(8) & 0x3f) | 0x80, 8)
  const hex = bytes.toString('hex')
  return `${hex.slice(0, 8)}-${hex.slice(8, 12)}-${hex.slice(12, 16)}-${hex.slice(16, 20)}-${hex.slice(20)}`
}

/** SplitMix-style 32-bit generator: good enough to tell ids apart, no good for secrets that matter. */
function seededBytes(seed: number): (length: number) => Buffer {
  let state = seed >>> 0
  const next = (): number => {
    state = (state + 0x9e3779b9) >>> 0
    let z = state
    z = Math.imul(z ^ (z >>> 16), 0x21f0aaad)
    z = Math.imul(z ^ (z >>> 15), 0x735a2d97)
    return (z ^ (z >>> 15)) & 0xff
  }
  return (length) => Buffer.from(Array.from({ length }, next))
}
