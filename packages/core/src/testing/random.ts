import { encodeHex } from '../domain/hex.ts'
import type { Random } from '../ports/random.ts'

/**
 * Makes random values that repeat: the same seed gives the same sequence (mulberry32). For tests only: the
 * values can be predicted.
 *
 * @param seed any number, taken as an unsigned 32-bit integer; default 1
 *
 * @example
 * ```ts
 * import assert from 'node:assert/strict'
 * import { seededRandom } from '@guestpass/core/testing'
 *
 * assert.equal(seededRandom(7).uuid(), seededRandom(7).uuid())
 * ```
 */
export function seededRandom(seed = 1): Random {
  let state = seed >>> 0
  const float = (): number => {
    state = (state + 0x6d2b79f5) >>> 0
    let mixed = Math.imul(state ^ (state >>> 15), state | 1)
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61)
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32
  }
  const bytes = (size: number): Uint8Array => Uint8Array.from({ length: size }, () => Math.floor(float() * 256))
  return {
    float,
    bytes,
    uuid() {
      const raw = bytes(16)
      raw[6] = ((raw[6] ?? 0) & 0x0f) | 0x40
      raw[8] = ((raw[8] ?? 0) & 0x3f) | 0x80
      const all = encodeHex(raw)
      return `${all.slice(0, 8)}-${all.slice(8, 12)}-${all.slice(12, 16)}-${all.slice(16, 20)}-${all.slice(20)}`
    },
  }
}
