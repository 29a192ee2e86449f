import { describe, expect, test } from 'vitest'
import { Secret } from '../../src/domain/secret.ts'
import type { Call } from '../../src/policy/pipeline.ts'
import { openCall, pipeline, type Policy } from '../../src/policy/pipeline.ts'
import { standardLayers, type PolicyOptions, standardPolicy } from '../../src/policy/standard.ts'
import { memoryStore } from '../../src/stores/memory-store.ts'
import { fakeClock, seededRandom } from '../../src/testing/index.ts'
import { aCall, lost, refused, watched } from './calls.ts'

function world(options: PolicyOptions = {}, seed = 1) {
  const clock = fakeClock()
  const ports = { clock, random: seededRandom(seed), store: memoryStore({ clock }) }
  return { clock, ports, policy: standardPolicy(standardLayers(options, ports)) }
}

const never = (): Promise<never> => new Promise(() => {})

/** Answers 429 as upstream does, headers and failure both. */
const busy = (call: Call, seconds: number): never => {
  call.onAnswer({ status: 429, headers: { 'retry-after': `${seconds}` } })
  throw refused(429, { retryAfterMs: seconds * 1_000 })
}

describe('a pipeline', () => {
  test('runs its layers outermost first', async () => {
    const order: string[] = []
    const layer =
      (name: string): Policy =>
      (next) =>
      (call) => {
        order.push(name)
        return next(call)
      }
    await pipeline(layer('a'), layer('b'), layer('c'))(async () => order.push('try'))(aCall())
    expect(order).toEqual(['a', 'b', 'c', 'try'])
  })

  test('opens a call with no deadline and no listeners', () => {
    const call = openCall({ connection: 'a', operation: 'o', rateLimitKey: 'l', repeatable: false })
    expect(call.remainingMs()).toBe(Number.POSITIVE_INFINITY)
    expect(call.signal.aborted).toBe(false)
    expect(() => call.onAnswer({ status: 200, headers: {} })).not.toThrow()
  })
})

describe('the standard policy', () => {
  test('gives an answer through untouched', async () => {
    await expect(world().policy(async () => 'answer')(aCall())).resolves.toBe('answer')
  })

  test('sends a call that brings its own token once, though the token is refused', async () => {
    let tries = 0
    const work = world().policy(async () => {
      tries += 1
      throw refused(401)
    })(aCall())
    await expect(work).rejects.toMatchObject({ code: 'access_rejected' })
    expect(tries).toBe(1)
  })

  test('a try ends after ten seconds and is repeated, the whole after thirty', async () => {
    const { clock, policy } = world({ retry: { baseMs: 0 } })
    const tries: number[] = []
    const work = watched(
      policy(() => {
        tries.push(clock.monotonic())
        return never()
      })(aCall()),
    )
    await clock.advance(29_999)
    expect(tries).toEqual([0, 10_000, 20_000])
    expect(work.now.state).toBe('pending')
    await clock.advance(1)
    expect(work.now.error?.code).toBe('deadline_exceeded')
    expect(clock.sleeping).toBe(0)
  })

  test('a call that waits for its permit while the circuit opens is not sent', async () => {
    const { clock, policy } = world({
      retry: { retries: 0 },
      limit: { perMinute: 60, burst: 2 },
      breaker: { atLeast: 2 },
    })
    let asked = 0
    const calls = Array.from({ length: 5 }, () =>
      watched(
        policy(async () => {
          asked += 1
          throw refused(500)
        })(aCall()),
      ),
    )
    await clock.advance(4_000)
    expect(asked).toBe(2)
    expect(calls.map(({ now }) => now.error?.code).filter((code) => code === 'circuit_open')).toHaveLength(3)
  })

  test('each try takes a permit', async () => {
    const { clock, policy } = world({ limit: { perMinute: 60, burst: 1 }, retry: { baseMs: 0 } })
    const tries: number[] = []
    void watched(
      policy(async () => {
        tries.push(clock.monotonic())
        throw refused(503)
      })(aCall()),
    )
    await clock.advance(10_000)
    expect(tries).toEqual([0, 1_000, 2_000, 3_000])
  })

  test('waiting for a permit does not count as a slow upstream', async () => {
    const { clock, policy } = world({ timeoutMs: 100, limit: { perMinute: 60, burst: 1 } })
    const calls = [1, 2, 3].map(() => watched(policy(async () => 'answer')(aCall())))
    await clock.advance(2_000)
    expect(calls.every(({ now }) => now.state === 'done')).toBe(true)
  })

  test('our own refusals never open the breaker', async () => {
    const { clock, policy } = world({ limit: { perMinute: 60, burst: 1, maxWaitMs: 0 }, breaker: { atLeast: 1 } })
    const calls = Array.from({ length: 50 }, () => watched(policy(async () => 'answer')(aCall())))
    await clock.advance(0)
    const codes = calls.map(({ now }) => now.error?.code)
    expect(codes.filter((code) => code === 'upstream_busy')).toHaveLength(49)
    await clock.advance(1_000)
    await expect(policy(async () => 'answer')(aCall())).resolves.toBe('answer')
  })

  test('an open breaker ends a call at once, its repeats included', async () => {
    const { clock, policy } = world({ breaker: { atLeast: 2 }, retry: { baseMs: 1 } })
    let asked = 0
    const work = watched(
      policy(async () => {
        asked += 1
        throw lost('unknown')
      })(aCall()),
    )
    await clock.advance(1_000)
    expect(work.now.error?.code).toBe('circuit_open')
    expect(asked).toBe(2)
  })

  test('a token is got for each try, outside of limit and breaker', async () => {
    const { ports } = world()
    const tokens = ['old', 'new']
    const access = { token: async () => new Secret(tokens[0] as string), rejected: () => void tokens.shift() }
    const policy = standardPolicy(standardLayers({}, ports), access)
    const attempt = policy(async (call) => {
      if (call.bearer?.reveal() === 'old') throw refused(401)
      return call.bearer?.reveal()
    })
    await expect(attempt(aCall({ repeatable: false }))).resolves.toBe('new')
  })

  test('pipelines made of the same layers share their circuits', async () => {
    const { clock, ports } = world()
    const layers = standardLayers({ breaker: { atLeast: 1 }, retry: { retries: 0 } }, ports)
    await expect(standardPolicy(layers)(() => Promise.reject(refused(500)))(aCall())).rejects.toMatchObject({
      code: 'upstream_unavailable',
    })
    await expect(standardPolicy(layers)(async () => 'answer')(aCall())).rejects.toMatchObject({
      code: 'circuit_open',
    })
    expect(clock.sleeping).toBe(0)
  })

  test('an answer that names a time beyond the deadline ends the call at once', async () => {
    const { clock, policy } = world()
    const work = watched(policy(async (call) => busy(call, 3_600))(aCall()))
    await clock.advance(0)
    expect(work.now.error).toMatchObject({ code: 'upstream_busy' })
    expect(work.now.error?.retryAt).toBeGreaterThanOrEqual(clock.wall() + 3_600_000)
    const next = watched(policy(async () => 'answer')(aCall()))
    await clock.advance(0)
    expect(next.now.error).toMatchObject({ code: 'upstream_busy', retryAt: clock.wall() + 3_600_000 })
  })

  test('two hundred callers meeting 429 with Retry-After: 1 are all served, none too early, spread over more than 100 ms', async () => {
    for (const seed of [1, 2, 3]) {
      const { clock, policy } = world({ deadlineMs: 120_000, limit: { burst: 200, maxWaitMs: 120_000 } }, seed)
      const back: number[] = []
      const calls = Array.from({ length: 200 }, () =>
        watched(
          policy(async (call) => {
            if (clock.monotonic() < 1_000) busy(call, 1)
            back.push(clock.monotonic())
          })(aCall()),
        ),
      )
      await clock.advance(120_000)
      expect(calls.filter(({ now }) => now.state === 'done')).toHaveLength(200)
      expect(Math.min(...back)).toBeGreaterThanOrEqual(1_000)
      expect(Math.max(...back) - Math.min(...back)).toBeGreaterThanOrEqual(100)
    }
  })
})
