import { describe, expect, it } from 'vitest'
import { seededRandom } from '../../src/testing/index.ts'
import { isRoca } from '../../src/verify/roca.ts'
import { rsaPair } from './material.ts'
import { power, PRIMES, rocaNumber } from './roca-modulus.ts'

const modulusOf = (bits: number): bigint =>
  BigInt(`0x${Buffer.from(String(rsaPair(bits).jwk['n']), 'base64url').toString('hex')}`)

describe('The test for ROCA moduli', () => {
  it.each([512, 1024, 2048, 3072, 4096])('knows moduli of the form, of %s bits', (bits) => {
    for (let exponent = 1n; exponent < 200n; exponent += 1n) {
      const number = rocaNumber(bits, exponent * 982_451_653n)
      expect(number.toString(2).length).toBe(bits)
      expect(isRoca(number)).toBe(true)
    }
  })

  it('says no of ordinary keys', () => {
    for (let made = 0; made < 5; made += 1) expect(isRoca(modulusOf(2048))).toBe(false)
  })

  it('says no of numbers that are odd and of 2048 bits', () => {
    const random = seededRandom(7)
    for (let made = 0; made < 2_000; made += 1) {
      const bytes = Buffer.from(random.bytes(256))
      bytes[0] = (bytes[0] ?? 0) | 0x80
      bytes[255] = (bytes[255] ?? 0) | 1
      expect(isRoca(BigInt(`0x${bytes.toString('hex')}`))).toBe(false)
    }
  })

  it('says no of a number that is a power by each prime, but of different exponents', () => {
    // By the Chinese remainder theorem: one exponent by the prime 163, another one by all others.
    const product = PRIMES.reduce((all, prime) => all * prime, 1n)
    const others = product / 163n
    const [by163, byOthers] = [power(65_537n, 2n, 163n), power(65_537n, 1n, others)]
    const inverse = power(others, 161n, 163n)
    const number = byOthers + others * ((((by163 - byOthers) * inverse) % 163n) + 163n)
    expect(number % 163n).toBe(by163)
    expect(isRoca(number)).toBe(false)
    const agreeing = byOthers + others * ((((power(65_537n, 1n, 163n) - byOthers) * inverse) % 163n) + 163n)
    expect(isRoca(agreeing)).toBe(true)
  })
})
