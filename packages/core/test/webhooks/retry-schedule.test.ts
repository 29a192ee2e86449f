import * as fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { DAY, HOUR, MINUTE, SECOND } from '../../src/domain/time.ts'
import { nextAttemptInMs, MAX_ATTEMPTS } from '../../src/webhooks/retry-schedule.ts'

describe('the schedule of deliveries', () => {
  it('is that of Standard Webhooks: ten tries in 75 h 35 min and 5 s', () => {
    const waits = Array.from({ length: MAX_ATTEMPTS }, (_, tried) => nextAttemptInMs(tried, undefined, 0))
    expect(waits).toEqual([
      5 * SECOND,
      5 * MINUTE,
      30 * MINUTE,
      2 * HOUR,
      5 * HOUR,
      10 * HOUR,
      14 * HOUR,
      20 * HOUR,
      24 * HOUR,
      undefined,
    ])
  })

  const tried = fc.nat({ max: MAX_ATTEMPTS - 2 })
  const random = fc.double({ min: 0, max: 1, maxExcluded: true, noNaN: true })

  it('never tries earlier than planned or asked for, and at most a tenth later', () => {
    fc.assert(
      fc.property(tried, fc.option(fc.nat({ max: 6 * DAY }), { nil: undefined }), random, (at, askedMs, float) => {
        const planned = nextAttemptInMs(at, undefined, 0) ?? Number.NaN
        const least = Math.max(planned, askedMs ?? 0)
        const wait = nextAttemptInMs(at, askedMs, float) ?? Number.NaN
        expect(wait).toBeGreaterThanOrEqual(least)
        expect(wait).toBeLessThanOrEqual(least * 1.1)
      }),
    )
  })

  it('limits the wait that an endpoint asks for to a week', () => {
    expect(nextAttemptInMs(0, 400 * DAY, 0)).toBe(7 * DAY)
  })

  it('ends after ten tries, whatever was asked for', () => {
    expect(nextAttemptInMs(MAX_ATTEMPTS - 1, 5 * SECOND, 0)).toBeUndefined()
  })
})
