import * as fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { GuestpassError } from '../../src/domain/errors.ts'
import { limit, type LimitOptions } from '../../src/policy/limit.ts'
import type { PermitStore } from '../../src/policy/permit-source.ts'
import type { Call } from '../../src/policy/pipeline.ts'
import { memoryStore } from '../../src/stores/memory-store.ts'
import { type FakeClock, fakeClock, settle } from '../../src/testing/index.ts'
import { aCall, watched } from './calls.ts'

type Drawn<A> = A extends fc.Arbitrary<infer T> ? T : never

/** A store in memory that counts what it is asked, and fails or is slow on request. */
function countedStore(clock: FakeClock) {
  const inner = memoryStore({ clock })
  const backend = {
    reserves: 0,
    feedbacks: 0,
    permits: 0,
    failing: false,
    forgetful: false,
    latencyMs: 0,
    feedbackMs: 0,
  }
  const busy = (): GuestpassError => new GuestpassError('store_busy', 'busy')
  const store: PermitStore = {
    async reservePermits(connection, rateLimitKey, request) {
      backend.reserves += 1
      if (backend.latencyMs > 0) await clock.sleep(backend.latencyMs)
      if (backend.failing) throw busy()
      backend.permits += request.permits
      return inner.reservePermits(connection, rateLimitKey, request)
    },
    async applyFeedback(connection, rateLimitKey, feedback) {
      backend.feedbacks += 1
      if (backend.feedbackMs > 0) await clock.sleep(backend.feedbackMs)
      if (backend.failing || backend.forgetful) throw busy()
      return inner.applyFeedback(connection, rateLimitKey, feedback)
    },
  }
  return { store, backend }
}

/** A limiter and the moments at which calls got through. */
function limiter(options: LimitOptions = {}, clock = fakeClock(), counted = countedStore(clock)) {
  const sent: number[] = []
  const policy = limit(options, { clock, store: counted.store })
  const ask = (of: Partial<Call> = {}, answer?: Parameters<Call['onAnswer']>[0]) =>
    watched(
      policy(async (call) => {
        sent.push(clock.monotonic())
        if (answer) call.onAnswer(answer)
        return sent.length
      })(aCall(of)),
    )
  const many = (count: number, of: Partial<Call> = {}) => Array.from({ length: count }, () => ask(of))
  return { clock, sent, ask, many, policy, ...counted }
}

const day = 86_400_000

/** The most moments in any window of that length. */
const densest = (moments: readonly number[], windowMs: number): number => {
  const sorted = [...moments].sort((a, b) => a - b)
  let from = 0
  return sorted.reduce((most, at, to) => {
    while (at - (sorted[from] as number) >= windowMs) from += 1
    return Math.max(most, to - from + 1)
  }, 0)
}

describe('the pace', () => {
  test('an unused limit lets the burst through at once, and what follows every interval', async () => {
    const { clock, sent, many } = limiter({ perMinute: 60, burst: 3 })
    many(6)
    await clock.advance(0)
    expect(sent).toEqual([0, 0, 0])
    await clock.advance(10_000)
    expect(sent).toEqual([0, 0, 0, 1_000, 2_000, 3_000])
  })

  test('callers go first come, first served', async () => {
    const { clock, policy } = limiter({ perMinute: 600, burst: 1 })
    const order: number[] = []
    for (let at = 0; at < 20; at += 1) {
      void watched(policy(async () => order.push(at))(aCall()))
      await clock.advance(37)
    }
    await clock.advance(10_000)
    expect(order).toEqual(Array.from({ length: 20 }, (_, at) => at))
  })

  test('connections and rate-limit keys each have their own limit', async () => {
    const { clock, sent, many } = limiter({ perMinute: 60, burst: 1 })
    many(1, { connection: 'a', rateLimitKey: 'x' })
    many(1, { connection: 'a', rateLimitKey: 'y' })
    many(1, { connection: 'b', rateLimitKey: 'x' })
    await clock.advance(0)
    expect(sent).toEqual([0, 0, 0])
  })

  test('no window ever holds more than the limit, whenever callers come and go', async () => {
    const step = fc.record({
      wait: fc.integer({ min: 0, max: 900 }),
      callers: fc.integer({ min: 0, max: 12 }),
      leave: fc.boolean(),
    })
    const run = async (steps: readonly Drawn<typeof step>[], burst: number, limiters: number): Promise<void> => {
      const clock = fakeClock()
      const counted = countedStore(clock)
      const fleet = Array.from({ length: limiters }, () =>
        limiter({ perMinute: 600, burst, maxWaitMs: day }, clock, counted),
      )
      for (const [at, { wait, callers, leave }] of steps.entries()) {
        const aborter = new AbortController()
        fleet[at % limiters]?.many(callers, { signal: aborter.signal })
        await clock.advance(wait)
        if (leave) aborter.abort(new Error('left'))
      }
      await clock.advance(120_000)
      const sent = fleet.flatMap((each) => each.sent)
      for (const windowMs of [1, 100, 250, 1_000, 5_000, 60_000]) {
        expect(densest(sent, windowMs)).toBeLessThanOrEqual(burst + Math.ceil(windowMs / 100))
      }
    }
    const steps = fc.array(step, { minLength: 1, maxLength: 25 })
    await fc.assert(fc.asyncProperty(steps, fc.integer({ min: 1, max: 8 }), fc.integer({ min: 1, max: 3 }), run), {
      numRuns: 60,
    })
  })

  test('a process that was late does not make up for it with more than the burst', async () => {
    const clock = fakeClock()
    let late = 0
    const lazy: FakeClock = { ...clock, sleep: (ms, signal) => clock.sleep(ms + late, signal) }
    const { sent, many } = limiter({ perMinute: 600, burst: 5, maxWaitMs: day }, lazy)
    many(200)
    await clock.advance(1_000)
    for (late of [500, 0, 900, 0, 1_500, 0]) await clock.advance(2_000)
    expect(densest(sent, 50)).toBeLessThanOrEqual(5)
  })

  test('timers that are a little late cost no throughput', async () => {
    const clock = fakeClock()
    const lazy: FakeClock = { ...clock, sleep: (ms, signal) => clock.sleep(ms + 3, signal) }
    const { sent, many } = limiter({ perMinute: 6_000, burst: 10, maxWaitMs: day }, lazy)
    many(1_000)
    await clock.advance(20_000)
    expect(sent).toHaveLength(1_000)
    expect(sent.at(-1)).toBeLessThan(9_900 * 1.05)
  })

  test('callers who left give their permit to those behind them', async () => {
    const { clock, sent, many, ask } = limiter({ perMinute: 60, burst: 1 })
    const aborter = new AbortController()
    many(1)
    many(20, { signal: aborter.signal })
    const last = ask()
    await clock.advance(500)
    aborter.abort(new Error('left'))
    await clock.advance(500)
    expect(last.now.state).toBe('done')
    expect(sent).toEqual([0, 1_000])
  })

  test('a caller who leaves gets the reason at once, and nothing is left running when the last one is gone', async () => {
    const { clock, ask } = limiter({ perMinute: 6, burst: 1 })
    const aborter = new AbortController()
    ask()
    const second = ask({ signal: aborter.signal })
    await clock.advance(100)
    expect(clock.sleeping).toBe(1)
    aborter.abort(new Error('left'))
    await settle()
    expect(second.now.error?.message).toBe('left')
    expect(clock.sleeping).toBe(0)
  })

  test('permits of callers who left are lost for a second at most', async () => {
    const { clock, sent, many } = limiter({ perMinute: 600, burst: 1, maxWaitMs: day })
    const aborter = new AbortController()
    many(1_000, { signal: aborter.signal })
    await clock.advance(50)
    aborter.abort(new Error('left'))
    await clock.advance(50)
    const before = sent.length
    many(10)
    await clock.advance(2_000)
    expect(sent.length - before).toBe(10)
  })
})

describe('the store', () => {
  test('is asked once for several callers when they have to wait', async () => {
    const { clock, sent, many, backend } = limiter({ perMinute: 6_000, burst: 10, maxWaitMs: day })
    many(10_000)
    await clock.advance(110_000)
    expect(sent).toHaveLength(10_000)
    expect(backend.reserves).toBeLessThan(200)
  }, 60_000)

  test('is asked for no more permits than there are callers', async () => {
    const { clock, many, backend } = limiter({ perMinute: 6_000, burst: 10 })
    many(50)
    await clock.advance(60_000)
    expect(backend.permits).toBe(50)
  })

  test('that is slow costs no throughput', async () => {
    const { clock, sent, many, backend } = limiter({ perMinute: 6_000, burst: 1, maxWaitMs: day })
    backend.latencyMs = 25
    many(1_000)
    await clock.advance(60_000)
    expect(sent).toHaveLength(1_000)
    expect(sent.at(-1)).toBeLessThan(10_000 * 1.05)
  })

  test('that fails stops no call: this process goes on at the same rate by itself', async () => {
    const { clock, sent, many, backend } = limiter({ perMinute: 60, burst: 5, maxWaitMs: day })
    backend.failing = true
    const calls = many(10)
    await clock.advance(9_500)
    expect(calls.every(({ now }) => now.state === 'done')).toBe(true)
    // Without the burst, because it is not known what the others have used of it.
    expect(sent).toEqual(Array.from({ length: 10 }, (_, at) => at * 1_000))
  })

  test('that failed is left alone for a second, then asked again', async () => {
    const { clock, many, backend } = limiter({ perMinute: 6_000, burst: 1 })
    backend.failing = true
    many(1)
    await clock.advance(500)
    for (let at = 0; at < 20; at += 1) many(1)
    await clock.advance(400)
    expect(backend.reserves).toBe(1)
    backend.failing = false
    await clock.advance(200)
    many(1)
    await clock.advance(0)
    expect(backend.reserves).toBe(2)
  })
})

describe('the bound', () => {
  test('a call whose permit is too far away is refused at once with a time', async () => {
    const { clock, sent, many } = limiter({ perMinute: 60, burst: 1, maxWaitMs: 5_000 })
    const calls = many(20)
    await clock.advance(0)
    const refused = calls.filter(({ now }) => now.state === 'failed')
    expect(refused).toHaveLength(14)
    const times = refused.map(({ now }) => (now.error?.retryAt as number) - clock.wall())
    expect(times[0]).toBe(6_000)
    expect(refused[0]?.now.error).toMatchObject({ code: 'upstream_busy' })
    expect(refused[0]?.now.error?.message).toMatch(
      /generate-token.*default.*6 s away.*5 s at most.*Nothing was sent.*Ask again at/,
    )
    await clock.advance(60_000)
    expect(sent).toHaveLength(6)
  })

  test('a call that has waited for its permit is refused with the time that it has left', async () => {
    const { clock, ask } = limiter({ perMinute: 60, burst: 1, maxWaitMs: 9_500 })
    ask()
    ask({}, { status: 429, headers: { 'retry-after': '30' } })
    ask()
    ask()
    const waiting = ask()
    await clock.advance(1_500)
    expect(waiting.now.error?.message).toMatch(/30 s away, and this call has 8 s left of the 9 s that it waits at most/)
  })

  test('a call with little time left is refused at once, others wait', async () => {
    const { clock, ask } = limiter({ perMinute: 60, burst: 1 })
    ask()
    const patient = ask()
    const hurried = ask({ remainingMs: () => 1_500 })
    await clock.advance(0)
    expect(hurried.now.error).toMatchObject({ code: 'upstream_busy', retryAt: clock.wall() + 2_000 })
    await clock.advance(1_000)
    expect(patient.now.state).toBe('done')
  })

  test('the store refuses when callers of other processes wait', async () => {
    const clock = fakeClock()
    const counted = countedStore(clock)
    const other = limiter({ perMinute: 60, burst: 1, maxWaitMs: day }, clock, counted)
    const { ask, sent } = limiter({ perMinute: 60, burst: 1, maxWaitMs: 500 }, clock, counted)
    other.many(1)
    await clock.advance(0)
    const refused = ask()
    await clock.advance(0)
    expect(refused.now.error).toMatchObject({ code: 'upstream_busy', retryAt: clock.wall() + 1_000 })
    expect(sent).toEqual([])
  })

  test('a pause refuses those at once who cannot wait so long, and keeps those who can', async () => {
    const { clock, ask } = limiter({ perMinute: 60, burst: 1, maxWaitMs: day })
    ask({}, { status: 429, headers: { 'retry-after': '60' } })
    const hurried = [ask({ remainingMs: () => 1_000 }), ask({ remainingMs: () => 2_000 })]
    const patient = ask({ remainingMs: () => 100_000 })
    await clock.advance(0)
    for (const { now } of hurried)
      expect(now.error).toMatchObject({ code: 'upstream_busy', retryAt: clock.wall() + 60_000 })
    const late = ask({ remainingMs: () => 60_500 })
    await settle()
    // Behind the patient one.
    expect(late.now.error).toMatchObject({ code: 'upstream_busy', retryAt: clock.wall() + 61_000 })
    await clock.advance(60_000)
    expect(patient.now.state).toBe('done')
  })

  test('a pause refuses all callers in the queue with one request to the store', async () => {
    const { clock, ask, many, backend } = limiter({ perMinute: 60, burst: 1, maxWaitMs: 50_000 })
    ask({}, { status: 429, headers: { 'retry-after': '60' } })
    const calls = many(50)
    await clock.advance(0)
    expect(calls.filter(({ now }) => now.error?.code === 'upstream_busy')).toHaveLength(50)
    expect(backend.reserves).toBe(2)
  })

  test('a pause that the store could not store refuses as well', async () => {
    const { clock, ask, backend } = limiter({ perMinute: 600, burst: 1 })
    backend.forgetful = true
    ask({}, { status: 429, headers: { 'retry-after': '60' } })
    const hurried = ask({ remainingMs: () => 1_000 })
    await clock.advance(0)
    expect(hurried.now.error).toMatchObject({ code: 'upstream_busy', retryAt: clock.wall() + 60_000 })
  })

  test('a pause wakes the queue: no caller sleeps on for a void permit', async () => {
    const { clock, policy, ask } = limiter({ perMinute: 6, burst: 1 })
    let notice: Call['onAnswer'] = () => {}
    void watched(policy(async (call) => (notice = call.onAnswer))(aCall()))
    const waiting = ask()
    await clock.advance(1_000)
    notice({ status: 429, headers: { 'retry-after': '60' } })
    await settle()
    expect(waiting.now.error).toMatchObject({ code: 'upstream_busy', retryAt: clock.wall() + 60_000 })
  })

  test('after a quiet time the burst is there again for callers in a hurry', async () => {
    const { clock, many } = limiter({ perMinute: 60, burst: 10, maxWaitMs: 1_000 })
    many(11)
    await clock.advance(60_000)
    const calls = many(10)
    await clock.advance(0)
    expect(calls.filter(({ now }) => now.state === 'done')).toHaveLength(10)
  })

  test('a limit that other processes use as well is expected to be slower', async () => {
    const clock = fakeClock()
    const counted = countedStore(clock)
    const fleet = [1, 2, 3, 4].map(() => limiter({ perMinute: 600, burst: 1, maxWaitMs: day }, clock, counted))
    for (const each of fleet) each.many(100)
    await clock.advance(10_000)
    const left = 75
    // Alone these would take 7.5 s; among four they take 30 s.
    const refused = fleet[0]?.ask({ remainingMs: () => left * 200 })
    await settle()
    expect(refused?.now.error?.code).toBe('upstream_busy')
  })

  test.each([{ perMinute: 0 }, { perMinute: Number.NaN }, { burst: 0 }, { maxWaitMs: -1 }, { maxWaitMs: day + 1 }])(
    'options %o are refused',
    (options) => {
      expect(() => limiter(options)).toThrow(expect.objectContaining({ code: 'config_invalid' }))
    },
  )
})

describe('feedback of answers', () => {
  const said = (count: number, allowed: number, reset: number, status = 200) => ({
    status,
    headers: {
      'inin-ratelimit-count': `${count}`,
      'inin-ratelimit-allowed': `${allowed}`,
      'inin-ratelimit-reset': `${reset}`,
    },
  })

  test('a limit holds for as long as answers repeat it, and an hour after the last', async () => {
    const { clock, ask, sent, many } = limiter({ perMinute: 600, burst: 1, maxWaitMs: day })
    const pace = async (): Promise<number> => {
      await clock.advance(60_000)
      const before = sent.length
      many(2)
      await clock.advance(60_000)
      return (sent[before + 1] as number) - (sent[before] as number)
    }
    for (let minutes = 0; minutes < 120; minutes += 5) {
      ask({}, said(1, 6, 30))
      await clock.advance(5 * 60_000)
    }
    expect(await pace()).toBe(10_000)
    await clock.advance(3_600_000)
    expect(await pace()).toBe(100)
  })

  test('after a 429 the next call waits as long as it names, instead of being refused as well', async () => {
    const { clock, sent, ask, many } = limiter({ perMinute: 600, burst: 10 })
    ask({}, { status: 429, headers: { 'retry-after': '7' } })
    await clock.advance(0)
    many(2)
    await clock.advance(6_999)
    expect(sent).toEqual([0])
    await clock.advance(1_000)
    expect(sent).toEqual([0, 7_000, 7_100])
  })

  test('the queue waits until the store has the feedback, so that no burst follows a pause', async () => {
    const { clock, sent, ask, many, backend } = limiter({ perMinute: 600, burst: 10 })
    backend.feedbackMs = 50
    ask({}, { status: 429, headers: { 'retry-after': '7' } })
    await clock.advance(0)
    many(4)
    await clock.advance(7_250)
    expect(sent).toEqual([0, 7_050, 7_150, 7_250])
  })

  test('a lower limit is kept also while the store fails', async () => {
    const { clock, sent, ask, many, backend } = limiter({ perMinute: 600, burst: 1 })
    backend.failing = true
    ask({}, said(1, 60, 60))
    await clock.advance(0)
    many(2)
    await clock.advance(2_000)
    expect(sent).toEqual([0, 1_000, 2_000])
  })

  test('all processes on the store wait', async () => {
    const clock = fakeClock()
    const counted = countedStore(clock)
    const one = limiter({ perMinute: 600, burst: 10 }, clock, counted)
    const two = limiter({ perMinute: 600, burst: 10 }, clock, counted)
    one.ask({}, { status: 429, headers: { 'retry-after': '7' } })
    await clock.advance(0)
    two.ask()
    await clock.advance(6_999)
    expect(two.sent).toEqual([])
    await clock.advance(1)
    expect(two.sent).toEqual([7_000])
  })

  test('callers who wait already wait on: permits in hand are void', async () => {
    const { clock, sent, policy, many } = limiter({ perMinute: 600, burst: 1 })
    let notice: Call['onAnswer'] = () => {}
    void watched(policy(async (call) => (notice = call.onAnswer))(aCall()))
    await clock.advance(0)
    many(5)
    await clock.advance(150)
    expect(sent).toEqual([100])
    notice({ status: 429, headers: { 'retry-after': '5' } })
    await clock.advance(4_999)
    expect(sent).toEqual([100])
    await clock.advance(1_000)
    expect(sent.slice(0, 3).map(Math.round)).toEqual([100, 5_150, 5_250])
  })

  test('a pause is kept also when the store cannot be backend', async () => {
    const { clock, sent, ask, backend } = limiter({ perMinute: 600, burst: 10 })
    backend.failing = true
    ask({}, { status: 429, headers: { 'retry-after': '7' } })
    await clock.advance(0)
    backend.failing = false
    await clock.advance(2_000)
    ask()
    await clock.advance(4_999)
    expect(sent).toEqual([0])
    await clock.advance(1)
    expect(sent).toEqual([0, 7_000])
  })

  test('when the count reaches what is allowed, no call is sent until the count begins anew', async () => {
    const { clock, sent, ask, many } = limiter({ perMinute: 600, burst: 10 })
    ask({}, said(600, 600, 12))
    await clock.advance(0)
    many(1)
    await clock.advance(11_999)
    expect(sent).toEqual([0])
    await clock.advance(1)
    expect(sent).toEqual([0, 12_000])
  })

  test('a lower limit slows calls down, its end speeds them up again', async () => {
    const { clock, sent, ask, many } = limiter({ perMinute: 600, burst: 1 })
    ask({}, said(1, 60, 60))
    await clock.advance(1_000)
    many(3)
    await clock.advance(2_000)
    expect(sent).toEqual([0, 1_000, 2_000, 3_000])
    ask({}, said(1, 600, 60))
    await clock.advance(1_500)
    many(3)
    await clock.advance(200)
    expect(sent.slice(4)).toEqual([4_000, 4_500, 4_600, 4_700])
  })

  test('a higher limit than was configured changes nothing', async () => {
    const { clock, sent, ask, many, backend } = limiter({ perMinute: 60, burst: 1 })
    ask({}, said(1, 6_000, 60))
    many(2)
    await clock.advance(2_000)
    expect(sent).toEqual([0, 1_000, 2_000])
    expect(backend.feedbacks).toBe(0)
  })

  test('the store is backend once, not with every answer', async () => {
    const { clock, ask, backend } = limiter({ perMinute: 600, burst: 10 })
    for (let at = 0; at < 20; at += 1) ask({}, said(at, 300, 60))
    await clock.advance(10_000)
    expect(backend.feedbacks).toBe(1)
  })

  test('layers outside hear of the answer too', async () => {
    const heard: number[] = []
    const { clock, ask } = limiter()
    ask({ onAnswer: ({ status }) => heard.push(status) }, { status: 204, headers: {} })
    await clock.advance(0)
    expect(heard).toEqual([204])
  })
})

/** Upstream as a token bucket: refuses with 429 what comes too fast. */
function tokenBucket(clock: FakeClock, perMinute: number, burst: number) {
  let tokens = burst
  let at = clock.monotonic()
  const seen = { served: 0, refused: 0 }
  return {
    seen,
    /** True when served. */
    ask(): boolean {
      const now = clock.monotonic()
      tokens = Math.min(burst, tokens + ((now - at) * perMinute) / 60_000)
      at = now
      const served = tokens > 1 - 1e-6
      if (served) tokens -= 1
      seen[served ? 'served' : 'refused'] += 1
      return served
    },
  }
}

describe('three thousand queued calls at 300 a minute', () => {
  test.each([
    { processes: 1, burst: 10 },
    { processes: 4, burst: 10 },
    { processes: 1, burst: 300 },
    { processes: 4, burst: 300 },
  ])(
    '$processes processes, burst $burst: all served, no 429, at most 5 % over the least time',
    async ({ processes, burst }) => {
      const clock = fakeClock()
      const { store, backend } = countedStore(clock)
      const upstream = tokenBucket(clock, 300, burst)
      let last = 0
      for (let process = 0; process < processes; process += 1) {
        const attempt = limit(
          { perMinute: 300, burst, maxWaitMs: day },
          { clock, store },
        )(async () => {
          if (upstream.ask()) last = clock.monotonic()
        })
        for (let call = 0; call < 3_000 / processes; call += 1) void watched(attempt(aCall()))
      }
      await clock.advance(660_000)
      expect(upstream.seen).toEqual({ served: 3_000, refused: 0 })
      expect(last).toBeLessThanOrEqual(((3_000 - burst) / 300) * 60_000 * 1.05)
      expect(backend.reserves).toBeLessThan(1_000)
    },
    60_000,
  )
})

describe('a limit that the upstream named once and then raised', () => {
  const named = (perMinute: number) => ({
    status: 200,
    headers: { 'inin-ratelimit-allowed': String(perMinute) },
  })

  test('rises at once for all who share the store, also when another process hears of it first', async () => {
    const clock = fakeClock()
    const store = memoryStore({ clock })
    const counted = { store, backend: countedStore(clock).backend }
    const slowed = limiter({ burst: 1 }, clock, counted)
    slowed.ask({}, named(6))
    await clock.advance(60_000)
    expect((await store.rateLimitState('default', 'guest-tokens', { perMinute: 300, burst: 1 })).perMinute).toBe(6)
    const other = limiter({ burst: 1 }, clock, counted)
    other.ask({}, named(300))
    await clock.advance(1_000)
    expect(await store.rateLimitState('default', 'guest-tokens', { perMinute: 300, burst: 1 })).toEqual({
      perMinute: 300,
      waitMs: 0,
      pauseMs: 0,
    })
    // The next answer of the store says so to the process that was slowed.
    slowed.ask()
    await clock.advance(0)
    slowed.many(5)
    await clock.advance(1_000)
    expect(slowed.sent).toHaveLength(7)
  })

  test('refuses no caller because of the former pace', async () => {
    const { clock, ask, many } = limiter({ burst: 2, maxWaitMs: 5_000 })
    ask({}, named(6))
    await clock.advance(60_000)
    ask({}, named(300))
    await clock.advance(60_000)
    const calls = many(10)
    await clock.advance(5_000)
    expect(calls.map(({ now }) => now.state)).toEqual(Array.from({ length: 10 }, () => 'done'))
  })
})
