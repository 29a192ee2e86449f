import { codeOf, type TestTools } from './suite.ts'
import { HOME } from './samples.ts'

const MINUTE = 60_000
const permitRequest = { perMinute: 60, burst: 2, permits: 1, maxWaitMs: 10_000 }

export function permitCases({ test, expect }: TestTools): void {
  test('gives permits from one bucket to all handles: first the burst, then at the rate', async ({ store, other }) => {
    const waits: number[] = []
    for (const handle of [store, other, store, other]) {
      waits.push(Math.round((await handle.reservePermits(HOME, 'oauth', permitRequest)).waitMs))
    }
    expect(waits).toEqual([0, 0, 1_000, 2_000])
    expect((await store.reservePermits(HOME, 'guests', permitRequest)).waitMs).toEqual(0)
  })

  test('refills the bucket as time passes', async ({ store, other, advance }) => {
    await store.reservePermits(HOME, 'oauth', { ...permitRequest, permits: 2 })
    await advance(500)
    expect(Math.round((await other.reservePermits(HOME, 'oauth', permitRequest)).waitMs)).toEqual(500)
    await advance(MINUTE)
    expect(await other.reservePermits(HOME, 'oauth', { ...permitRequest, permits: 2 })).toEqual({
      granted: true,
      waitMs: 0,
      intervalMs: 0,
    })
  })

  test('spreads several permits at the rate of the bucket', async ({ store }) => {
    await store.reservePermits(HOME, 'oauth', { ...permitRequest, permits: 2 })
    const { waitMs, intervalMs } = await store.reservePermits(HOME, 'oauth', { ...permitRequest, permits: 3 })
    expect([Math.round(waitMs), Math.round(intervalMs)]).toEqual([1_000, 1_000])
  })

  test('reserves nothing when the wait exceeds maxWaitMs, and reports when to ask again', async ({
    store,
    other,
    advance,
  }) => {
    await store.reservePermits(HOME, 'oauth', { ...permitRequest, permits: 5 })
    const refused = await other.reservePermits(HOME, 'oauth', { ...permitRequest, maxWaitMs: 1_500 })
    expect([refused.granted, Math.round(refused.waitMs)]).toEqual([false, 2_500])
    await advance(2_500)
    const granted = await other.reservePermits(HOME, 'oauth', { ...permitRequest, maxWaitMs: 1_501 })
    expect([granted.granted, Math.round(granted.waitMs)]).toEqual([true, 1_500])
  })

  test('grants at most the burst to concurrent requests', async ({ store, other }) => {
    const answers = await Promise.all(
      Array.from({ length: 20 }, (_, index) =>
        (index % 2 ? store : other).reservePermits(HOME, 'oauth', { ...permitRequest, maxWaitMs: 0 }),
      ),
    )
    expect(answers.filter((answer) => answer.granted).length).toEqual(2)
  })
}

const limit = { perMinute: 60, burst: 2 }

export function rateLimitStateCases({ test, expect }: TestTools): void {
  test('reads what a bucket allows, and takes no permit', async ({ store, other }) => {
    const unused = { perMinute: 60, waitMs: 0, pauseMs: 0 }
    expect(await store.rateLimitState(HOME, 'oauth', limit)).toEqual(unused)
    await store.reservePermits(HOME, 'oauth', { ...permitRequest, permits: 2 })
    for (const handle of [store, other, store]) {
      const { waitMs } = await handle.rateLimitState(HOME, 'oauth', limit)
      expect(waitMs > 0 && waitMs <= 1_000).toEqual(true)
    }
    expect((await other.reservePermits(HOME, 'oauth', permitRequest)).waitMs <= 1_000).toEqual(true)
    expect(await store.rateLimitState(HOME, 'guests', limit)).toEqual(unused)
  })

  test('reads the pause and the limit that the upstream named, and since when', async ({ store, other, advance }) => {
    await store.applyFeedback(HOME, 'oauth', { perMinute: 30 })
    const first = await other.rateLimitState(HOME, 'oauth', limit)
    expect([first.perMinute, typeof first.namedSince, first.pauseMs]).toEqual([30, 'number', 0])
    await advance(MINUTE)
    await store.applyFeedback(HOME, 'oauth', { perMinute: 30, pauseMs: 5_000 })
    const { pauseMs, waitMs, ...again } = await other.rateLimitState(HOME, 'oauth', limit)
    expect([Math.round(pauseMs / 100), Math.round(waitMs / 100)]).toEqual([50, 50])
    expect(again).toEqual({ perMinute: 30, namedSince: first.namedSince })
    await advance(60 * MINUTE)
    expect(await other.rateLimitState(HOME, 'oauth', limit)).toEqual({ perMinute: 60, waitMs: 0, pauseMs: 0 })
  })

  test('rejects a limit that is out of range', async ({ store }) => {
    const codes = [
      store.rateLimitState(HOME, 'oauth', { ...limit, perMinute: 0 }),
      store.rateLimitState(HOME, 'oauth', { ...limit, burst: Number.NaN }),
    ].map(codeOf)
    expect(await Promise.all(codes)).toEqual(codes.map(() => 'invalid_input'))
  })
}

export function feedbackCases({ test, expect }: TestTools): void {
  test('grants no permit to any handle during a pause that one handle has reported', async ({
    store,
    other,
    advance,
  }) => {
    await store.applyFeedback(HOME, 'oauth', { pauseMs: 5_000 })
    await other.applyFeedback(HOME, 'oauth', { pauseMs: 1_000 })
    await advance(1_000)
    expect(Math.round((await other.reservePermits(HOME, 'oauth', permitRequest)).waitMs)).toEqual(4_000)
    expect((await other.reservePermits(HOME, 'guests', permitRequest)).waitMs).toEqual(0)
  })

  test('applies a lower limit to all handles, and ignores a higher one', async ({ store, other }) => {
    await store.applyFeedback(HOME, 'oauth', { perMinute: 30 })
    expect((await other.reservePermits(HOME, 'oauth', { ...permitRequest, burst: 1, permits: 2 })).intervalMs).toEqual(
      2_000,
    )
    await store.applyFeedback(HOME, 'guests', { perMinute: 600 })
    expect((await other.reservePermits(HOME, 'guests', { ...permitRequest, burst: 1, permits: 2 })).intervalMs).toEqual(
      1_000,
    )
  })

  test('rejects a request or feedback that is out of range', async ({ store }) => {
    const codes = [
      store.reservePermits(HOME, 'oauth', { ...permitRequest, perMinute: 0 }),
      store.reservePermits(HOME, 'oauth', { ...permitRequest, burst: 0 }),
      store.reservePermits(HOME, 'oauth', { ...permitRequest, permits: 0 }),
      store.reservePermits(HOME, 'oauth', { ...permitRequest, maxWaitMs: Number.NaN }),
      store.applyFeedback(HOME, 'oauth', { pauseMs: Number.POSITIVE_INFINITY }),
      store.applyFeedback(HOME, 'oauth', { perMinute: 0 }),
    ].map(codeOf)
    expect(await Promise.all(codes)).toEqual(codes.map(() => 'invalid_input'))
  })
}
