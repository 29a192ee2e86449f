import type { Event } from '../../src/domain/events/event.ts'
import * as fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { createHistogram } from '../../src/report/histogram.ts'
import { createMeters } from '../../src/report/meters.ts'
import { report } from '../../src/report/report.ts'
import { memoryStore } from '../../src/stores/memory-store.ts'
import { fakeClock } from '../../src/testing/index.ts'
import { event, HOME, NEIGHBOUR } from '../../src/testing/store-contract/samples.ts'

describe('a histogram', () => {
  it('gives 0 without durations', () => {
    const empty = createHistogram()
    expect([empty.count, empty.mean, empty.quantile(0), empty.quantile(0.5), empty.quantile(1)]).toEqual([
      0, 0, 0, 0, 0,
    ])
  })

  it('gives its one duration', () => {
    const one = createHistogram()
    one.add(37)
    expect([one.count, one.mean, one.quantile(0), one.quantile(0.5), one.quantile(1)]).toEqual([1, 37, 37, 37, 37])
  })

  it('gives quantiles to within a quarter, and never more than the longest duration', () => {
    const durations = fc.array(fc.double({ min: 0.1, max: 500_000, noNaN: true }), { minLength: 1, maxLength: 200 })
    fc.assert(
      fc.property(durations, fc.double({ min: 0, max: 1, noNaN: true }), (all, share) => {
        const some = createHistogram()
        for (const ms of all) some.add(ms)
        const sorted = [...all].sort((a, b) => a - b)
        const exact = sorted[Math.max(1, Math.ceil(share * all.length)) - 1] as number
        const quantile = some.quantile(share)
        expect(quantile).toBeGreaterThanOrEqual(exact * (1 - 1e-9))
        expect(quantile).toBeLessThanOrEqual(Math.min(exact * 1.25 * (1 + 1e-9), sorted.at(-1) as number))
        expect(some.mean).toBeCloseTo(all.reduce((sum, ms) => sum + ms, 0) / all.length, 3)
      }),
    )
  })

  it('keeps durations that are too long or too short for its buckets', () => {
    const odd = createHistogram()
    for (const ms of [0, 0.01, 1e9]) odd.add(ms)
    expect([odd.count, odd.quantile(1)]).toEqual([3, 1e9])
    expect(odd.quantile(0.5)).toBeLessThanOrEqual(0.1)
  })
})

describe('meters', () => {
  it('count and time by name', () => {
    const all = createMeters()
    all.count('a')
    all.count('a')
    all.time('b', 5)
    expect([all.counted('a'), all.counted('never'), all.timed('b').count, all.timed('never').count]).toEqual([
      2, 0, 1, 0,
    ])
    expect([...all.counters]).toEqual([['a', 2]])
  })
})

const signIns: readonly Event['type'][] = [
  'SIGN_IN_COMPLETED',
  'SIGN_IN_COMPLETED',
  'SIGN_IN_FAILED',
  'GRANT_IN_DOUBT',
  'GRANT_LAST_RESORT',
  'GRANT_ENDED',
  'GRANT_REVOKED',
]

describe('a report', () => {
  it('of a quiet connection says that nothing went wrong', async () => {
    expect((await report(memoryStore({ clock: fakeClock() }), HOME)).guestTokens).toEqual({
      totalRequests: 0,
      succeeded: 0,
      failed: 0,
      validityRatePercent: 100,
      avgLatencyMs: 0,
      totalLatencyMs: 0,
      p50LatencyMs: 0,
      p99LatencyMs: 0,
    })
  })

  it('counts what ended on this connection, over all pages of its events', async () => {
    const store = memoryStore({ clock: fakeClock() })
    const issued = (round: number) => [
      event(`pending ${round}`, { type: 'TOKEN_REQUEST_INITIATED', outcome: 'pending' }),
      ...['a', 'b'].map((one) => event(`done ${round} ${one}`, { latencyMs: 10 })),
    ]
    const failed = event('3', { type: 'TOKEN_FAILED', outcome: 'failure', latencyMs: 999 })
    for (let round = 0; round < 700; round += 1) await store.commit({ connection: HOME, events: issued(round) })
    await store.commit({ connection: HOME, events: [failed, event('4', { type: 'TOKEN_REVOKED' })] })
    await store.commit({
      connection: HOME,
      events: [
        event('5', { type: 'ACCESS_TOKEN_RENEWED', latencyMs: 7 }),
        event('6', { type: 'ACCESS_TOKEN_FAILED' }),
        event('7', { type: 'REFRESH_INITIATED', outcome: 'pending' }),
        event('8', { type: 'REFRESH_COMPLETED', latencyMs: 20 }),
        event('9', { type: 'REFRESH_COMPLETED', latencyMs: 40 }),
        event('10', { type: 'REFRESH_FAILED', outcome: 'failure' }),
        ...signIns.map((type, nth) => event(`${nth + 20}`, { type })),
        event('11', { type: 'guest.authentication', latencyMs: 8 }),
        event('12', { type: 'guest.authentication', outcome: 'failure', error: { code: 'in_doubt', message: '' } }),
        event('13', {
          type: 'guest.authentication',
          outcome: 'failure',
          error: { code: 'session_exists', message: '' },
        }),
      ],
    })
    await store.commit({ connection: NEIGHBOUR, events: [{ ...failed, connection: NEIGHBOUR }] })
    expect(await report(store, HOME)).toEqual({
      connection: HOME,
      totalRequests: 1_408,
      successfulRefreshes: 2,
      failedRefreshes: 1,
      validityRatePercent: 99.7,
      avgLatencyMs: 10,
      totalLatencyMs: 14_075,
      refreshes: {
        totalRequests: 3,
        succeeded: 2,
        failed: 1,
        validityRatePercent: 66.7,
        avgLatencyMs: 30,
        totalLatencyMs: 60,
        p50LatencyMs: expect.any(Number),
        p99LatencyMs: 40,
      },
      guestTokens: {
        totalRequests: 1_401,
        succeeded: 1_400,
        failed: 1,
        validityRatePercent: 99.9,
        avgLatencyMs: 10,
        totalLatencyMs: 14_000,
        p50LatencyMs: 10,
        p99LatencyMs: 10,
      },
      accessTokens: {
        totalRequests: 2,
        succeeded: 1,
        failed: 1,
        validityRatePercent: 50,
        avgLatencyMs: 7,
        totalLatencyMs: 7,
        p50LatencyMs: 7,
        p99LatencyMs: 7,
      },
      authentications: {
        totalRequests: 2,
        succeeded: 1,
        failed: 1,
        validityRatePercent: 50,
        avgLatencyMs: 8,
        totalLatencyMs: 8,
        p50LatencyMs: 8,
        p99LatencyMs: 8,
      },
      revoked: 1,
      signIns: { completed: 2, failed: 1, inDoubt: 1, lastResorts: 1, ended: 1, signedOut: 1 },
    })
  })

  it('counts as refreshes those of guests and of sign-ins, and no new token by client credentials', async () => {
    const store = memoryStore({ clock: fakeClock() })
    const of = (grant: string) => ({ data: { grant } })
    const failure = { outcome: 'failure' } as const
    await store.commit({
      connection: HOME,
      events: [
        event('1', { type: 'ACCESS_TOKEN_RENEWED', latencyMs: 4, ...of('refresh_token') }),
        event('2', { type: 'ACCESS_TOKEN_FAILED', ...failure, ...of('refresh_token') }),
        event('3', { type: 'ACCESS_TOKEN_FAILED', ...failure, ...of('refresh_token') }),
        event('4', { type: 'ACCESS_TOKEN_RENEWED', latencyMs: 5, ...of('client_credentials') }),
        event('5', { type: 'ACCESS_TOKEN_FAILED', ...failure, ...of('client_credentials') }),
        event('6', { type: 'REFRESH_COMPLETED', latencyMs: 6 }),
      ],
    })
    expect(await report(store, HOME)).toMatchObject({
      totalRequests: 6,
      successfulRefreshes: 2,
      failedRefreshes: 2,
      validityRatePercent: 50,
      avgLatencyMs: 5,
      totalLatencyMs: 15,
      accessTokens: { succeeded: 2, failed: 3 },
    })
  })

  it('leaves out what happened before the moment that is given', async () => {
    const store = memoryStore({ clock: fakeClock() })
    const at = (id: string, moment: number) => event(id, { type: 'REFRESH_COMPLETED', latencyMs: 1, at: moment })
    await store.commit({ connection: HOME, events: [at('1', 999), at('2', 1_000), at('3', 1_001)] })
    expect(await report(store, HOME, { since: 1_000 })).toMatchObject({ totalRequests: 2, successfulRefreshes: 2 })
    expect(await report(store, HOME)).toMatchObject({ totalRequests: 3 })
  })
})
