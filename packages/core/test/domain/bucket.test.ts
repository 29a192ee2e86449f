import * as fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { type Bucket, rateLimitState, reservePermits, applyFeedback } from '../../src/domain/bucket.ts'
import type { PermitAnswer, PermitRequest } from '../../src/ports/store.ts'
import { GuestpassError } from '../../src/domain/errors.ts'

const START = 1_000_000
const ROUNDING = 1e-6

/** Time passes, and the clock may be set back meanwhile; then permits are asked for. */
interface Step {
  readonly passMs: number
  readonly setBackMs: number
  readonly permits: number
  readonly maxWaitMs: number
  readonly pauseMs: number
}

interface Used {
  /** On a clock that is never set. */
  readonly at: number
  readonly ask: number
}

const step = (setBack: boolean, pause: boolean): fc.Arbitrary<Step> =>
  fc.record({
    passMs: fc.oneof(fc.constant(0), fc.integer({ min: 0, max: 20_000 }), fc.double({ min: 0, max: 500, noNaN: true })),
    setBackMs: setBack ? fc.oneof(fc.constant(0), fc.integer({ min: 0, max: 7_200_000 })) : fc.constant(0),
    permits: fc.integer({ min: 1, max: 12 }),
    maxWaitMs: fc.oneof(fc.constant(0), fc.integer({ min: 0, max: 60_000 })),
    pauseMs: pause ? fc.oneof(fc.constant(0), fc.integer({ min: 0, max: 30_000 })) : fc.constant(0),
  })

const anyLimit = fc.record({ perMinute: fc.integer({ min: 1, max: 3_000 }), burst: fc.integer({ min: 1, max: 20 }) })

/** Plays the steps; every permit is used at the very moment it may be. */
function play(
  { perMinute, burst }: { perMinute: number; burst: number },
  steps: readonly Step[],
): { used: Used[]; answers: { ask: PermitRequest; answer: PermitAnswer; at: number; pausedUntil: number }[] } {
  let bucket: Bucket | undefined
  let now = 0
  let setBack = 0
  let pausedUntil = 0
  const used: Used[] = []
  const answers = []
  for (const [index, { passMs, setBackMs, permits, maxWaitMs, pauseMs }] of steps.entries()) {
    now += passMs
    setBack += setBackMs
    const wall = START + now - setBack
    const ask = { perMinute, burst, permits, maxWaitMs }
    const reserved = reservePermits(bucket, ask, wall)
    bucket = reserved.bucket
    answers.push({ ask, answer: reserved.answer, at: now, pausedUntil })
    if (reserved.answer.granted) {
      for (let nth = 0; nth < permits; nth += 1) {
        used.push({ at: now + reserved.answer.waitMs + nth * reserved.answer.intervalMs, ask: index })
      }
    }
    if (pauseMs > 0) {
      bucket = applyFeedback(bucket, { pauseMs }, wall)
      pausedUntil = Math.max(pausedUntil, now + pauseMs)
    }
  }
  return { used, answers }
}

/** The most permits over the limit in any window that begins and ends with a permit. */
function excess(used: readonly Used[], perMinute: number, burst: number): number {
  const times = used.map(({ at }) => at).sort((a, b) => a - b)
  let worst = Number.NEGATIVE_INFINITY
  for (const [first, from] of times.entries()) {
    for (let last = first; last < times.length; last += 1) {
      const allowed = burst + (((times[last] as number) - from) * perMinute) / 60_000
      worst = Math.max(worst, last - first + 1 - allowed)
    }
  }
  return worst
}

const steps = (setBack: boolean, pause: boolean) => fc.array(step(setBack, pause), { minLength: 1, maxLength: 14 })

describe('a bucket of permits', () => {
  it('never gives more than the burst and what time has paid back, in any window', () => {
    fc.assert(
      fc.property(anyLimit, steps(false, true), (limit, happened) => {
        expect(excess(play(limit, happened).used, limit.perMinute, limit.burst)).toBeLessThanOrEqual(ROUNDING)
      }),
      { numRuns: 1_500 },
    )
  })

  it('never gives more when the clock is set back', () => {
    fc.assert(
      fc.property(anyLimit, steps(true, true), (limit, happened) => {
        expect(excess(play(limit, happened).used, limit.perMinute, limit.burst)).toBeLessThanOrEqual(ROUNDING)
      }),
      { numRuns: 1_500 },
    )
  })

  it('serves callers in the order of their requests', () => {
    fc.assert(
      fc.property(anyLimit, steps(true, true), (limit, happened) => {
        const { used } = play(limit, happened)
        for (const [index, { at }] of used.entries()) {
          expect(at).toBeGreaterThanOrEqual((used[index - 1]?.at ?? 0) - ROUNDING)
        }
      }),
      { numRuns: 500 },
    )
  })

  it('never grants a wait longer than allowed, and says when asking again would be granted', () => {
    fc.assert(
      fc.property(anyLimit, steps(false, true), fc.integer({ min: 0, max: 10_000 }), (limit, happened, maxWaitMs) => {
        for (const { ask, answer } of play(limit, happened).answers) {
          if (answer.granted) expect(answer.waitMs).toBeLessThanOrEqual(ask.maxWaitMs)
          else expect(answer.waitMs).toBeGreaterThan(0)
        }
        const bucket = applyFeedback({ at: START, spent: 40 }, { pauseMs: maxWaitMs }, START)
        const ask = { ...limit, permits: 1, maxWaitMs }
        const { answer } = reservePermits(bucket, ask, START)
        const later = START + answer.waitMs + ROUNDING
        expect(answer.granted || reservePermits(bucket, ask, later).answer.granted).toBe(true)
      }),
      { numRuns: 500 },
    )
  })

  it('grants nothing before the end of an earlier pause', () => {
    fc.assert(
      fc.property(anyLimit, steps(true, true), (limit, happened) => {
        for (const { answer, at, pausedUntil } of play(limit, happened).answers) {
          if (answer.granted) expect(at + answer.waitMs).toBeGreaterThanOrEqual(pausedUntil - ROUNDING)
        }
      }),
      { numRuns: 500 },
    )
  })

  it('gives a caller who always waits the burst and then the full rate', () => {
    fc.assert(
      fc.property(anyLimit, fc.integer({ min: 1, max: 60 }), (limit, total) => {
        let bucket: Bucket | undefined
        let last = 0
        for (let nth = 0; nth < total; nth += 1) {
          const reserved = reservePermits(bucket, { ...limit, permits: 1, maxWaitMs: 1e9 }, START)
          bucket = reserved.bucket
          last = reserved.answer.waitMs
        }
        expect(last).toBeCloseTo((Math.max(0, total - limit.burst) * 60_000) / limit.perMinute, 4)
      }),
      { numRuns: 300 },
    )
  })

  it('ends a pause with an empty bucket, so that no burst follows a refusal', () => {
    const ask = { perMinute: 60, burst: 10, permits: 1, maxWaitMs: 60_000 }
    const paused = applyFeedback(undefined, { pauseMs: 5_000 }, START)
    const first = reservePermits(paused, ask, START + 5_000)
    const second = reservePermits(first.bucket, ask, START + 5_000)
    expect([first.answer.waitMs, second.answer.waitMs]).toEqual([0, 1_000])
  })

  it('recovers when the clock was set back for long', () => {
    const ask = { perMinute: 60, burst: 1, permits: 1, maxWaitMs: 2_000 }
    let { bucket } = reservePermits(undefined, ask, START)
    const back = START - 3_600_000
    const waits = [0, 0, 0, 1_500].map((passed) => {
      const reserved = reservePermits(bucket, ask, back + passed)
      bucket = reserved.bucket
      return [reserved.answer.granted, Math.round(reserved.answer.waitMs)]
    })
    expect(waits).toEqual([
      [true, 1_000],
      [true, 2_000],
      [false, 1_000],
      [true, 1_500],
    ])
  })

  it('moves along with a clock that was set back while nothing was granted', () => {
    const ask = { perMinute: 60, burst: 1, permits: 1, maxWaitMs: 0 }
    const first = reservePermits(undefined, ask, START)
    const refused = reservePermits(first.bucket, ask, START - 60_000)
    expect(refused.answer.granted).toBe(false)
    expect(reservePermits(refused.bucket, ask, START - 59_000).answer.granted).toBe(true)
  })

  it('keeps the order of those who wait when the limit changes either way', () => {
    const ask = { perMinute: 600, burst: 5, permits: 12, maxWaitMs: 600_000 }
    for (const perMinute of [60, 6_000]) {
      const asked = { ...ask, perMinute: 6_000 }
      const before = reservePermits(applyFeedback(undefined, { perMinute: 600 }, START), asked, START)
      const last = before.answer.waitMs + 11 * before.answer.intervalMs
      const after = reservePermits(applyFeedback(before.bucket, { perMinute }, START), { ...asked, permits: 1 }, START)
      expect(after.answer.waitMs).toBeGreaterThanOrEqual(last + 60_000 / perMinute - ROUNDING)
    }
  })

  it('keeps the order of those who wait in a row that an older version wrote', () => {
    const older = { at: START, writtenAt: START, spent: 12, lastAt: START + 700, perMinute: 600, learnedAt: START }
    const ask = { perMinute: 6_000, burst: 5, permits: 1, maxWaitMs: 600_000 }
    for (const perMinute of [60, 6_000]) {
      // A process of that version may also write a row that has the time of a former wait.
      for (const row of [older, { ...older, emptyAt: START - 1 }]) {
        const { answer } = reservePermits(applyFeedback(row, { perMinute }, START), ask, START)
        expect(answer.waitMs).toBeGreaterThanOrEqual(700 + 60_000 / perMinute - ROUNDING)
      }
    }
  })

  it('counts permits that were spent at a higher rate in full when a lower limit is learned', () => {
    const ask = { perMinute: 6_000, burst: 10, permits: 10, maxWaitMs: 60_000 }
    const spent = applyFeedback(reservePermits(undefined, ask, START).bucket, { perMinute: 60 }, START)
    expect(Math.round(reservePermits(spent, { ...ask, permits: 1 }, START).answer.waitMs)).toBe(1_000)
  })

  it('keeps a pause as long as it was when a lower limit is learned after a caller waited for its end', () => {
    const ask = { perMinute: 300, burst: 10, permits: 1, maxWaitMs: 90_000 }
    const paused = applyFeedback(undefined, { pauseMs: 60_000 }, START)
    const waiting = reservePermits(paused, ask, START)
    expect(waiting.answer.waitMs).toBe(60_000)
    const slower = applyFeedback(waiting.bucket, { perMinute: 30 }, START + 60_000)
    expect(Math.round(reservePermits(slower, ask, START + 60_000).answer.waitMs)).toBe(2_000)
  })

  it('forgets a limit that is not repeated for an hour, also one that an older version wrote', () => {
    const ask = { perMinute: 600, burst: 1, permits: 2, maxWaitMs: 600_000 }
    const HOUR = 3_600_000
    const pace = (bucket: Bucket, at: number): number => Math.round(reservePermits(bucket, ask, at).answer.intervalMs)
    const slow = applyFeedback(undefined, { perMinute: 1 }, START)
    expect([pace(slow, START + HOUR - 1), pace(slow, START + HOUR)]).toEqual([60_000, 100])
    const again = applyFeedback(slow, { perMinute: 1 }, START + HOUR - 1)
    expect(pace(again, START + 2 * HOUR - 2)).toBe(60_000)
    // A clock that went back makes it no older, and no younger.
    const kept = reservePermits(slow, { ...ask, permits: 1 }, START - 5 * HOUR).bucket
    expect([pace(kept, START - 4 * HOUR - 1), pace(kept, START - 4 * HOUR)]).toEqual([60_000, 100])
    const old = reservePermits({ at: START, spent: 0, perMinute: 1 }, { ...ask, permits: 1 }, START).bucket
    expect([pace(old, START + HOUR - 1), pace(old, START + HOUR)]).toEqual([60_000, 100])
  })

  it('reads since when the upstream names a limit, also by a clock that went back, and of an older row', () => {
    const limit = { perMinute: 600, burst: 1 }
    const since = (bucket: Bucket, at: number): number | undefined => rateLimitState(bucket, limit, at).namedSince
    const first = applyFeedback(undefined, { perMinute: 60 }, START)
    const again = applyFeedback(first, { perMinute: 60 }, START + 60_000)
    expect([since(again, START + 60_000), since(again, START)]).toEqual([START, START - 60_000])
    const other = applyFeedback(again, { perMinute: 30 }, START + 120_000)
    expect(since(other, START + 120_000)).toBe(START + 120_000)
    expect(since({ at: START, spent: 0, perMinute: 60, learnedAt: START }, START)).toBe(START)
    // A higher limit holds nothing back.
    expect(since(applyFeedback(undefined, { perMinute: 900 }, START), START)).toBeUndefined()
  })

  it('names the field of an request or feedback out of range', () => {
    const ask = { perMinute: 60, burst: 1, permits: 1, maxWaitMs: 0 }
    const fields = [
      () => reservePermits(undefined, { ...ask, perMinute: Number.NaN }, START),
      () => reservePermits(undefined, { ...ask, burst: 0.5 }, START),
      () => reservePermits(undefined, { ...ask, permits: 0 }, START),
      () => reservePermits(undefined, { ...ask, maxWaitMs: -1 }, START),
      () => applyFeedback(undefined, { pauseMs: -1 }, START),
      () => applyFeedback(undefined, { perMinute: 0 }, START),
    ].map((act) => {
      try {
        act()
        return 'accepted'
      } catch (thrown) {
        return thrown instanceof GuestpassError ? thrown.fields?.[0]?.field : thrown
      }
    })
    expect(fields).toEqual(['perMinute', 'burst', 'permits', 'maxWaitMs', 'pauseMs', 'perMinute'])
  })
})
