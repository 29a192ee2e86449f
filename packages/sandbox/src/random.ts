import { randomBytes } from 'node:crypto'

/** The source of ids and secrets. */
export interface Randomness {
  /** A UUID v4. */
  uuid(): string
  /** `bytes` random bytes in base64url. */
  text(bytes: number): string
  /**
   * A secret of `bytes` random bytes in base64url after `sandbox-secret-`, so that people and scanners
   * recognise it.
   */
  secret(bytes: number): string
}

/**
 * With a seed, ids and secrets repeat in every run, for tests only. Without one they are cryptographically
 * random.
 */
export function createRandomness(seed?: number): Randomness {
  return randomnessOf(seed === undefined ? randomBytes : seededBytes(seed))
}

/** Randomness for one run of a sandbox, until its next reset. */
interface RunRandomness {
  readonly random: Randomness
  /** Ends the start of the run: what is drawn later is not repeated. */
  started(): void
}

/**
 * Makes the randomness of each run of a sandbox. What the first run draws until `started`, all others draw too:
 * so clients, users and channels keep ids and secrets. With a seed, everything repeats.
 */
export function createRunRandomness(seed?: number): () => RunRandomness {
  const drawn: Buffer[] = []
  return () => {
    if (seed !== undefined) return { random: createRandomness(seed), started: () => {} }
    let at = 0
    let starting = true
    const bytes = (length: number): Buffer => {
      if (!starting) return randomBytes(length)
      const next = (drawn[at] ??= randomBytes(length))
      at += 1
      return Buffer.from(next)
    }
    return {
      random: randomnessOf(bytes),
      started: () => {
        starting = false
      },
    }
  }
}

function randomnessOf(bytes: (length: number) => Buffer): Randomness {
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

/** A 32-bit generator in the style of SplitMix: its ids differ, but its secrets can be predicted. */
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
