import * as fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { GuestpassError } from '../../src/domain/errors.ts'
import { createRetryBudget } from '../../src/policy/retry-budget.ts'
import { type Call, TryFailure } from '../../src/policy/pipeline.ts'
import { retry, type RetryOptions } from '../../src/policy/retry.ts'
import { fakeClock, seededRandom } from '../../src/testing/index.ts'
import { aCall, lost, refused, watched } from './calls.ts'

/** Runs one call whose tries fail one after the other as given, then succeed; the clock advances as needed. */
async function run(failures: readonly Error[], options: RetryOptions = {}, of: Partial<Call> = {}, seed = 1) {
  const clock = fakeClock()
  const tries: number[] = []
  const attempt = retry(options, { clock, random: seededRandom(seed) })(async () => {
    tries.push(clock.monotonic())
    const failure = failures[tries.length - 1]
    if (failure) throw failure
    return 'answer'
  })
  const work = watched(attempt(aCall(of)))
  await clock.advance(3_600_000)
  return { ...work.now, tries, clock }
}

const forever = (failure: Error): readonly Error[] => Array.from({ length: 50 }, () => failure)
const once = { repeatable: false }

describe('what is repeated', () => {
  test.each([429, 503])('%d always, because it proves that nothing happened', async (status) => {
    expect(await run([refused(status)], {}, once)).toMatchObject({
      state: 'done',
      value: 'answer',
      tries: { length: 2 },
    })
    expect(await run([refused(status)])).toMatchObject({ state: 'done', tries: { length: 2 } })
  })

  test('a request that was never sent, always', async () => {
    expect(await run([lost('no')], {}, once)).toMatchObject({ state: 'done', tries: { length: 2 } })
  })

  test.each([408, 500, 502, 504, 506, 507, 520, 524, 529, 599])('%d when the call is repeatable', async (status) => {
    expect(await run([refused(status)])).toMatchObject({ state: 'done', tries: { length: 2 } })
    expect(await run([refused(status)], {}, once)).toMatchObject({ state: 'failed', tries: { length: 1 } })
  })

  test.each([200, 400, 500, 502])('the OAuth error temporarily_unavailable with %d, always', async (status) => {
    const busy = refused(status, { upstream: { status, code: 'temporarily_unavailable' } })
    for (const call of [{}, once])
      expect(await run([busy], {}, call)).toMatchObject({ state: 'done', tries: { length: 2 } })
    expect(await run([busy], {}, { ...once, isSingle: true })).toMatchObject({ state: 'failed', tries: { length: 1 } })
  })

  test.each(['invalid_request', 'invalid_client', 'invalid_scope', 'unauthorized_client', 'unsupported_grant_type'])(
    'the OAuth error %s never, whatever the status, because it proves that nothing was consumed',
    async (code) => {
      for (const status of [200, 400, 500, 502, 520]) {
        const answer = refused(status, { upstream: { status, code }, code: 'upstream_rejected' })
        for (const call of [{}, once])
          expect(await run([answer], {}, call)).toMatchObject({
            error: { code: 'upstream_rejected' },
            tries: { length: 1 },
          })
      }
      const late = refused(504, { upstream: { status: 504, code } })
      expect(await run([late], {}, once)).toMatchObject({ error: { code: 'in_doubt' }, tries: { length: 1 } })
    },
  )

  test.each([200, 500, 502])('the OAuth error server_error with %d as a lost answer', async (status) => {
    const failing = refused(status, { upstream: { status, code: 'server_error' } })
    expect(await run([failing])).toMatchObject({ state: 'done', tries: { length: 2 } })
    expect(await run([failing], {}, once)).toMatchObject({ error: { code: 'in_doubt' }, tries: { length: 1 } })
  })

  test('a lost answer when the call is repeatable', async () => {
    expect(await run([lost('unknown')])).toMatchObject({ state: 'done', tries: { length: 2 } })
    expect(await run([lost('unknown')], {}, once)).toMatchObject({ state: 'failed', tries: { length: 1 } })
  })

  test.each([400, 402, 403, 404, 405, 409, 410, 413, 422, 451, 501, 505])('%d never', async (status) => {
    expect(await run([refused(status)])).toMatchObject({ state: 'failed', tries: { length: 1 } })
  })

  test('an answer that makes no sense never', async () => {
    const garbled = refused(200, { code: 'upstream_garbled' })
    expect(await run([garbled])).toMatchObject({ error: { code: 'upstream_garbled' }, tries: { length: 1 } })
  })

  test('a refused access token exactly once, at once, whatever the call and the number of retries', async () => {
    for (const repeatable of [true, false]) {
      expect(await run([refused(401)], { retries: 0 }, { repeatable })).toMatchObject({ state: 'done', tries: [0, 0] })
    }
    const twice = await run(forever(refused(401)))
    expect(twice).toMatchObject({ error: { code: 'access_rejected' }, tries: [0, 0] })
  })

  test('a refused access token takes nothing from the retries or the budget', async () => {
    const poor = createRetryBudget({ most: 1, perRequest: 0, perSecond: 0 }, { clock: fakeClock() })
    expect(await run([refused(401), refused(500)], { retries: 1, budget: poor })).toMatchObject({
      state: 'done',
      tries: { length: 3 },
    })
  })

  test('any error that is not a failed try passes through as it is', async () => {
    const error = new GuestpassError('circuit_open', 'closed')
    const result = await run([error])
    expect(result.error).toBe(error)
    expect(result.tries).toHaveLength(1)
  })
})

describe('how often', () => {
  test('three retries by default', async () => {
    expect((await run(forever(refused(503)))).tries).toHaveLength(4)
    expect((await run(forever(refused(503)), { retries: 0 })).tries).toHaveLength(1)
    expect((await run(forever(refused(503)), { retries: 7 })).tries).toHaveLength(8)
  })

  test('none when the budget of the connection is spent', async () => {
    const account = createRetryBudget({ most: 2, perRequest: 0, perSecond: 0 }, { clock: fakeClock() })
    const { tries, error } = await run(forever(refused(503)), { budget: account })
    expect(tries).toHaveLength(3)
    expect(error).toMatchObject({ code: 'upstream_unavailable' })
    expect(error?.message).toMatch(/calls of this connection were repeated/)
  })

  test('a repeat at the time that upstream named does not draw on the budget', async () => {
    const account = createRetryBudget({ most: 1, perRequest: 0, perSecond: 0 }, { clock: fakeClock() })
    account.withdraw('default')
    expect(await run([refused(429, { retryAfterMs: 1_000 })], { budget: account })).toMatchObject({ state: 'done' })
    expect(await run([refused(429)], { budget: account })).toMatchObject({ state: 'failed' })
  })

  test('during an outage upstream gets about a fifth more than the traffic, not four times as much', async () => {
    const clock = fakeClock()
    const account = createRetryBudget({}, { clock })
    let asked = 0
    const attempt = retry(
      { budget: account },
      { clock, random: seededRandom(7) },
    )(async () => {
      asked += 1
      throw refused(500)
    })
    for (let call = 0; call < 1_000; call += 1) {
      void watched(attempt(aCall()))
      await clock.advance(20)
    }
    await clock.advance(120_000)
    expect(asked).toBeLessThan(1_000 * 1.2 + 20 + 30)
    expect(asked).toBeGreaterThan(1_200)
  })
})

describe('the wait', () => {
  test('is never shorter than the upstream asked for, and at most a tenth longer', async () => {
    await fc.assert(
      fc.asyncProperty(fc.integer({ min: 1, max: 1_000_000 }), fc.integer(), async (askedMs, seed) => {
        const { tries } = await run([refused(429, { retryAfterMs: askedMs })], {}, {}, seed)
        expect(tries[1]).toBeGreaterThanOrEqual(askedMs)
        expect(tries[1]).toBeLessThanOrEqual(askedMs * 1.1)
      }),
      { numRuns: 100 },
    )
  })

  test('obeys Retry-After beyond the cap of the back-off, and of a 503 too', async () => {
    const { tries } = await run([refused(503, { retryAfterMs: 600_000 })], { capMs: 100 })
    expect(tries[1]).toBeGreaterThanOrEqual(600_000)
  })

  test('backs off exponentially with full jitter up to the cap', async () => {
    const waits: number[][] = [[], [], [], []]
    for (let seed = 0; seed < 200; seed += 1) {
      const { tries } = await run(forever(refused(503)), { retries: 4, baseMs: 1_000, capMs: 5_000 }, {}, seed * 7919)
      for (let at = 0; at < 4; at += 1) waits[at]?.push((tries[at + 1] as number) - (tries[at] as number))
    }
    const ends = waits.map((all) => [Math.min(...all), Math.max(...all)] as const)
    for (const [at, most] of [1_000, 2_000, 4_000, 5_000].entries()) {
      const [least, longest] = ends[at] as readonly [number, number]
      expect(least).toBeLessThan(most * 0.1)
      expect(longest).toBeGreaterThan(most * 0.9)
      expect(longest).toBeLessThanOrEqual(most)
    }
  })

  test('is jittered too if the upstream asks for no wait', async () => {
    const seconds = await Promise.all([1, 2, 3].map((seed) => run([refused(429, { retryAfterMs: 0 })], {}, {}, seed)))
    expect(new Set(seconds.map(({ tries }) => tries[1])).size).toBe(3)
  })

  test('ends at once when the caller aborts, with the reason of the abort', async () => {
    const clock = fakeClock()
    const caller = new AbortController()
    let tries = 0
    const attempt = retry(
      {},
      { clock, random: seededRandom() },
    )(async () => {
      tries += 1
      throw refused(429, { retryAfterMs: 60_000 })
    })
    const work = watched(attempt(aCall({ signal: caller.signal })))
    await clock.advance(1_000)
    caller.abort(new Error('gone'))
    await clock.advance(0)
    expect(work.now.error?.message).toBe('gone')
    expect(clock.sleeping).toBe(0)
    await clock.advance(100_000)
    expect(tries).toBe(1)
  })

  test('that would pass the deadline is not begun: the call fails at once and says when to come back', async () => {
    for (const [failure, code] of [
      [refused(429, { retryAfterMs: 20_000 }), 'upstream_busy'],
      [refused(503, { retryAfterMs: 20_000 }), 'upstream_unavailable'],
    ] as const) {
      const { error, tries, clock } = await run([failure], {}, { remainingMs: () => 20_000 })
      expect(tries).toEqual([0])
      expect(error?.code).toBe(code)
      const after = (error?.retryAt as number) - (clock.wall() - 3_600_000)
      expect(after).toBeGreaterThanOrEqual(20_000)
      expect(after).toBeLessThanOrEqual(22_000)
    }
  })

  test('within the deadline is waited', async () => {
    expect(await run([refused(429, { retryAfterMs: 10_000 })], {}, { remainingMs: () => 11_001 })).toMatchObject({
      state: 'done',
    })
  })
})

describe('the error at the end', () => {
  test('says what happened, in which call, how often it was tried, and when to ask again', async () => {
    const upstream = { status: 503, code: 'overloaded', requestId: 'abc' }
    const { error } = await run(forever(refused(503, { upstream })))
    expect(error).toBeInstanceOf(GuestpassError)
    expect(error).toMatchObject({ code: 'upstream_unavailable', upstream })
    expect(error?.retryAt).toBeGreaterThan(0)
    expect(error?.message).toMatch(
      /generate-token: upstream answered 503\. Connection default, 4 tries\. Ask again at 2026-01-01T.* or later\./,
    )
  })

  test('names the operation also when the failed try did not', async () => {
    const { error } = await run([refused(400, { message: 'no good.' })])
    expect(error?.message).toBe('generate-token: no good. Connection default, 1 try.')
  })

  test('of a 429 to the end is upstream_busy with the time that upstream named', async () => {
    const { error, tries, clock } = await run(forever(refused(429, { retryAfterMs: 1_000 })))
    expect(error?.code).toBe('upstream_busy')
    const last = clock.wall() - 3_600_000 + (tries[3] as number)
    expect((error?.retryAt as number) - last).toBeGreaterThanOrEqual(1_000)
  })

  test('keeps the cause and has no time when asking again is no use', async () => {
    const cause = new Error('why')
    const { error } = await run([refused(403, { cause })])
    expect(error).toMatchObject({ code: 'access_denied', cause })
    expect(error?.retryAt).toBeUndefined()
  })

  test('of a call that must not be repeated says so when it is open whether it took effect', async () => {
    const saying = (status: number, code: string) => refused(status, { upstream: { status, code } })
    const unproven = [saying(500, 'server_error'), saying(502, 'bad.gateway'), saying(504, 'invalid_grant')]
    for (const failure of [lost('unknown'), refused(500), refused(502), refused(504), refused(408), ...unproven]) {
      const { error } = await run([failure], {}, once)
      expect(error?.code).toBe('in_doubt')
      expect(error?.message).toMatch(/look before asking again/)
    }
    expect((await run([refused(503), lost('unknown')], {}, once)).error?.code).toBe('in_doubt')
  })

  test('is not in doubt when upstream said itself what it refused, or never got the request', async () => {
    const said = refused(500, { upstream: { status: 500, code: 'invalid_request' } })
    for (const failure of [said, refused(400), refused(503), refused(429), lost('no')]) {
      expect((await run(forever(failure), {}, once)).error?.code).not.toBe('in_doubt')
    }
    expect((await run(forever(lost('unknown')))).error?.code).toBe('upstream_unavailable')
  })

  test('is never a TryFailure, whatever failed', async () => {
    const failure = fc.record({
      status: fc.option(fc.integer({ min: 100, max: 599 }), { nil: undefined }),
      sent: fc.constantFrom('no' as const, 'answered' as const, 'unknown' as const),
      askedMs: fc.option(fc.integer({ min: 0, max: 1e9 }), { nil: undefined }),
    })
    await fc.assert(
      fc.asyncProperty(fc.array(failure, { minLength: 1, maxLength: 6 }), fc.boolean(), async (all, repeatable) => {
        const failures = all.map(({ status, sent, askedMs }) => {
          const upstream = status === undefined ? {} : { upstream: { status } }
          const wait = askedMs === undefined ? {} : { retryAfterMs: askedMs }
          return new TryFailure({ code: 'upstream_unavailable', sent, message: 'x', ...upstream, ...wait })
        })
        const { state, error, tries } = await run(failures, {}, { repeatable, remainingMs: () => 30_000 })
        expect(state === 'done' || error instanceof GuestpassError).toBe(true)
        expect(tries.length).toBeLessThanOrEqual(4)
      }),
      { numRuns: 100 },
    )
  })

  test.each([{ retries: -1 }, { retries: 21 }, { baseMs: Number.NaN }, { capMs: -1 }])(
    'options %o are refused',
    (options) => {
      const make = () => retry(options, { clock: fakeClock(), random: seededRandom() })
      expect(make).toThrow(expect.objectContaining({ code: 'config_invalid' }))
    },
  )
})

test('two hundred clients with the same Retry-After spread over the tenth beyond it, none too early', async () => {
  const clock = fakeClock()
  const back: number[] = []
  for (let client = 0; client < 200; client += 1) {
    let tries = 0
    const attempt = retry(
      {},
      { clock, random: seededRandom(client * 104_729) },
    )(async () => {
      tries += 1
      if (tries === 1) throw refused(429, { retryAfterMs: 1_000 })
      back.push(clock.monotonic())
    })
    void watched(attempt(aCall()))
  }
  await clock.advance(5_000)
  expect(back).toHaveLength(200)
  expect(Math.min(...back)).toBeGreaterThanOrEqual(1_000)
  expect(Math.max(...back)).toBeLessThanOrEqual(1_100)
  for (let from = 1_000; from < 1_100; from += 10) {
    expect(back.filter((at) => at >= from && at < from + 10).length).toBeLessThan(40)
  }
})
