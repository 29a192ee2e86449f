import * as fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { backOffMs, withSpread } from '../../src/domain/back-off.ts'

const chance = fc.double({ min: 0, max: 1, maxExcluded: true, noNaN: true })
const part = fc.double({ min: 0, max: 1, noNaN: true })
const ms = fc.integer({ min: 0, max: 600_000 })

describe('an exponential back-off', () => {
  it('doubles with every failure up to the longest', () => {
    const of = (failures: number): number => backOffMs({ failures, baseMs: 1_000, maxMs: 5_000 })
    expect([1, 2, 3, 4, 1_000_000].map(of)).toEqual([1_000, 2_000, 4_000, 5_000, 5_000])
  })

  it('takes away at most the part that the jitter names, and never exceeds the longest', () => {
    fc.assert(
      fc.property(
        fc.integer({ min: 1, max: 5_000 }),
        ms,
        ms,
        part,
        chance,
        (failures, baseMs, maxMs, jitter, random) => {
          const whole = backOffMs({ failures, baseMs, maxMs })
          const jittered = backOffMs({ failures, baseMs, maxMs, jitter }, random)
          expect(whole).toBeLessThanOrEqual(maxMs)
          expect(whole).toBeGreaterThanOrEqual(Math.min(baseMs, maxMs))
          expect(jittered).toBeLessThanOrEqual(whole)
          expect(jittered).toBeGreaterThanOrEqual(whole * (1 - jitter) - 1e-6)
        },
      ),
    )
  })

  it('never shrinks with further failures', () => {
    fc.assert(
      fc.property(
        fc.integer({ min: 1, max: 2_000 }),
        ms,
        ms,
        part,
        chance,
        (failures, baseMs, maxMs, jitter, random) => {
          const after = (count: number): number => backOffMs({ failures: count, baseMs, maxMs, jitter }, random)
          expect(after(failures + 1)).toBeGreaterThanOrEqual(after(failures))
        },
      ),
    )
  })

  it('uses the whole range of full jitter', () => {
    const of = (random: number): number => backOffMs({ failures: 2, baseMs: 500, maxMs: 30_000, jitter: 1 }, random)
    expect([of(0), of(0.5), of(0.75)]).toEqual([0, 500, 750])
  })
})

it('a spread wait is never shorter than the named one, and less than a tenth longer', () => {
  fc.assert(
    fc.property(ms, chance, (named, random) => {
      expect(withSpread(named, random)).toBeGreaterThanOrEqual(named)
      expect(withSpread(named, random)).toBeLessThanOrEqual(named * 1.1)
    }),
  )
})
