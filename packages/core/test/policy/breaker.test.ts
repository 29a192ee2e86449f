import * as fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { breaker, type BreakerOptions } from '../../src/policy/breaker.ts'
import { createKeyedStates } from '../../src/policy/keyed-states.ts'
import type { Call } from '../../src/policy/pipeline.ts'
import { createSlidingWindow } from '../../src/policy/sliding-window.ts'
import { fakeClock, settle } from '../../src/testing/index.ts'
import { aCall, lost, refused, watched } from './calls.ts'

type Drawn<A> = A extends fc.Arbitrary<infer T> ? T : never

/** A breaker before an upstream whose next outcomes are set by the test. */
function upstream(options: BreakerOptions = {}) {
  const clock = fakeClock()
  const policy = breaker(options, { clock })
  let asked = 0
  const ask = async (outcome: Error | 'fine' | Promise<never>, of: Partial<Call> = {}): Promise<string> =>
    policy(async () => {
      asked += 1
      if (outcome instanceof Error) throw outcome
      return outcome
    })(aCall(of))
  const times = async (count: number, outcome: Error | 'fine', of: Partial<Call> = {}): Promise<void> => {
    for (let at = 0; at < count; at += 1) await ask(outcome, of).catch(() => {})
  }
  return {
    clock,
    ask,
    times,
    /** Whether a call gets through to upstream now; the call itself succeeds. */
    isOpen: async (of: Partial<Call> = {}): Promise<boolean> => {
      const before = asked
      await ask('fine', of).catch(() => {})
      return asked === before
    },
    get asked() {
      return asked
    },
  }
}

describe('the breaker', () => {
  test.each([
    ['500', refused(500)],
    ['503', refused(503)],
    ['501', refused(501)],
    ['a lost answer or time-out', lost('unknown')],
    ['an upstream that cannot be reached', lost('no')],
  ])('opens on %s', async (_, failure) => {
    const { times, isOpen } = upstream()
    await times(10, failure)
    expect(await isOpen()).toBe(true)
  })

  test.each([
    ['429', refused(429)],
    ['400', refused(400)],
    ['401', refused(401)],
    ['403', refused(403)],
    ['404', refused(404)],
    ['408', refused(408)],
    ['409', refused(409)],
    ['an answer that makes no sense', refused(200, { code: 'upstream_garbled' })],
    ["the caller's abort", new Error('aborted')],
  ])('never opens on %s', async (_, failure) => {
    const { times, isOpen } = upstream()
    await times(1_000, failure)
    expect(await isOpen()).toBe(false)
  })

  test('says when to come back, and sends nothing', async () => {
    const { clock, ask, times } = upstream()
    await times(10, refused(500))
    await clock.advance(2_000)
    const error = await ask('fine').catch((thrown: unknown) => thrown)
    expect(error).toMatchObject({ code: 'circuit_open', retryAt: clock.wall() + 3_000 })
    expect((error as Error).message).toMatch(/generate-token.*default.*Nothing was sent.*Ask again at/)
  })

  test('waits for enough tries to judge', async () => {
    const { times, isOpen, ask } = upstream({ atLeast: 10 })
    await times(9, refused(500))
    await expect(ask(refused(500))).rejects.toMatchObject({ facts: { upstream: { status: 500 } } })
    expect(await isOpen()).toBe(true)
  })

  test('opens at the rate and not below', async () => {
    const below = upstream({ rate: 0.5 })
    await below.times(51, 'fine')
    await below.times(50, refused(500))
    expect(await below.isOpen()).toBe(false)
    const at = upstream({ rate: 0.5 })
    await at.times(50, 'fine')
    await at.times(50, refused(500))
    expect(await at.isOpen()).toBe(true)
  })

  test('forgets what lies outside its window', async () => {
    const { clock, times, isOpen } = upstream({ windowMs: 30_000 })
    await times(9, refused(500))
    await clock.advance(30_000)
    await times(1, refused(500))
    expect(await isOpen()).toBe(false)
  })

  test('keeps connections and operations apart', async () => {
    const { times, isOpen } = upstream()
    await times(10, refused(500), { connection: 'a', operation: 'x' })
    expect(await isOpen({ connection: 'a', operation: 'x' })).toBe(true)
    expect(await isOpen({ connection: 'a', operation: 'y' })).toBe(false)
    expect(await isOpen({ connection: 'b', operation: 'x' })).toBe(false)
  })

  test('after the cool-down lets one probe through at a time', async () => {
    const { clock, ask, times } = upstream()
    await times(10, refused(500))
    await clock.advance(5_000)
    let finish: (reason: Error) => void = () => {}
    const probe = watched(ask(new Promise<never>((_, reject) => (finish = reject))))
    await settle()
    await expect(ask('fine')).rejects.toMatchObject({ code: 'circuit_open', retryAt: clock.wall() + 1_000 })
    finish(new Error('aborted by the caller'))
    await settle()
    expect(probe.now.state).toBe('failed')
    // The aborted probe said nothing; the next one may go.
    await expect(ask('fine')).resolves.toBe('fine')
  })

  test('closes after a good probe and begins anew', async () => {
    const { clock, times, isOpen } = upstream()
    await times(10, refused(500))
    await clock.advance(5_000)
    await times(1, 'fine')
    await times(9, refused(500))
    expect(await isOpen()).toBe(false)
  })

  test('a probe that is refused for other reasons closes it too: upstream answers again', async () => {
    const { clock, times, isOpen } = upstream()
    await times(10, refused(500))
    await clock.advance(5_000)
    await times(1, refused(429))
    expect(await isOpen()).toBe(false)
  })

  test('doubles the cool-down with each bad probe up to its bound, and starts small after a good one', async () => {
    const { clock, ask, times } = upstream({ coolMs: 5_000, mostCoolMs: 30_000 })
    const closedFor = async (): Promise<number> => {
      const error = (await ask('fine').catch((thrown: unknown) => thrown)) as { retryAt: number }
      return error.retryAt - clock.wall()
    }
    await times(10, refused(500))
    for (const cool of [5_000, 10_000, 20_000, 30_000, 30_000]) {
      expect(await closedFor()).toBe(cool)
      await clock.advance(cool)
      await times(1, refused(500))
    }
    await clock.advance(30_000)
    await times(1, 'fine')
    await times(10, refused(500))
    expect(await closedFor()).toBe(5_000)
  })

  test('does not judge by tries that began before it opened', async () => {
    const { clock, ask, times, isOpen } = upstream()
    let finish: (reason: Error) => void = () => {}
    void watched(ask(new Promise<never>((_, reject) => (finish = reject))))
    await settle()
    await times(10, refused(500))
    await clock.advance(5_000)
    finish(refused(400))
    await settle()
    await times(1, refused(500))
    expect(await isOpen()).toBe(true)
  })

  test('failures of tries that began before it opened do not prolong it', async () => {
    const { clock, ask, times } = upstream()
    let fail: (reason: Error) => void = () => {}
    void watched(ask(new Promise<never>((_, reject) => (fail = reject))))
    await settle()
    await times(10, refused(500))
    await clock.advance(4_000)
    fail(refused(500))
    await settle()
    await expect(ask('fine')).rejects.toMatchObject({ retryAt: clock.wall() + 1_000 })
  })

  test('is not opened or closed by setting the wall clock', async () => {
    const { clock, times, isOpen } = upstream()
    await times(10, refused(500))
    clock.stepWall(86_400_000)
    expect(await isOpen()).toBe(true)
  })

  test.each([
    { rate: 0 },
    { rate: 1.1 },
    { atLeast: 0 },
    { coolMs: 0 },
    { coolMs: 10, mostCoolMs: 5 },
    { windowMs: 1 },
  ])('options %o are refused', (options) => {
    expect(() => breaker(options, { clock: fakeClock() })).toThrow(expect.objectContaining({ code: 'config_invalid' }))
  })

  test('behaves like its model over any history', async () => {
    const step = fc.oneof(
      fc.constant({ kind: 'ask', outcome: 'fine' } as const),
      fc.constant({ kind: 'ask', outcome: 'bad' } as const),
      fc.constant({ kind: 'ask', outcome: 'refused' } as const),
      fc.integer({ min: 1, max: 20 }).map((seconds) => ({ kind: 'wait', seconds }) as const),
    )
    const run = async (steps: readonly Drawn<typeof step>[]): Promise<void> => {
      const { clock, ask } = upstream({ windowMs: 10_000, atLeast: 3, rate: 0.5, coolMs: 4_000, mostCoolMs: 10_000 })
      let past: { readonly second: number; readonly bad: boolean }[] = []
      let openUntil: number | undefined
      let cool = 4
      let now = 0
      for (const next of steps) {
        if (next.kind === 'wait') {
          await clock.advance(next.seconds * 1_000)
          now += next.seconds
          continue
        }
        const outcome = { fine: 'fine' as const, bad: refused(500), refused: refused(429) }[next.outcome]
        const error = await ask(outcome).catch((thrown: { code?: string }) => thrown)
        const passed = openUntil === undefined || now >= openUntil
        expect((error as { code?: string }).code === 'circuit_open').toBe(!passed)
        if (!passed) continue
        const bad = next.outcome === 'bad'
        const recent: typeof past =
          openUntil === undefined ? [...past, { second: now, bad }].filter((each) => each.second > now - 10) : []
        const opens =
          bad &&
          (openUntil !== undefined ||
            (recent.length >= 3 && recent.filter((each) => each.bad).length * 2 >= recent.length))
        if (opens) {
          openUntil = now + cool
          cool = Math.min(cool * 2, 10)
        } else if (openUntil !== undefined) {
          openUntil = undefined
          cool = 4
        }
        past = recent
      }
    }
    await fc.assert(fc.asyncProperty(fc.array(step, { maxLength: 40 }), run), { numRuns: 150 })
  })
})

describe('a sliding window', () => {
  test('counts the outcomes of its latest segments', () => {
    const outcome = fc.record({ wait: fc.integer({ min: 0, max: 400 }), failed: fc.boolean() })
    fc.assert(
      fc.property(fc.array(outcome, { maxLength: 200 }), (outcomes) => {
        const count = createSlidingWindow(1_000, 10)
        const all: { readonly segment: number; readonly failed: boolean }[] = []
        let now = 0
        for (const { wait, failed } of outcomes) {
          now += wait
          const before = all.filter(({ segment }) => segment > Math.floor(now / 100) - 10)
          expect(count.counts(now).total).toBe(before.length)
          count.add(failed, now)
          all.push({ segment: Math.floor(now / 100), failed })
          const live = all.filter(({ segment }) => segment > Math.floor(now / 100) - 10)
          expect(count.counts(now)).toEqual({ total: live.length, failed: live.filter((one) => one.failed).length })
        }
      }),
      { numRuns: 500 },
    )
  })
})

describe('keyed states', () => {
  test('drop the least recently used key beyond their bound', () => {
    let made = 0
    const known = createKeyedStates(() => (made += 1), { max: 3 })
    const of = (key: string): number => known('a', key)
    expect([of('1'), of('2'), of('3'), of('1')]).toEqual([1, 2, 3, 1])
    expect(of('4')).toBe(4)
    expect([of('1'), of('3'), of('4')]).toEqual([1, 3, 4])
    expect(of('2')).toBe(5)
  })

  test('keep a busy state beyond their bound', () => {
    let made = 0
    const known = createKeyedStates(() => ({ id: (made += 1) }), { max: 2, isBusy: ({ id }) => id === 1 })
    const of = (key: string): number => known('a', key).id
    expect([of('1'), of('2'), of('3'), of('1'), of('2')]).toEqual([1, 2, 3, 1, 4])
  })

  test('never share a state between two keys', () => {
    const known = createKeyedStates(() => ({}))
    expect(known('a', 'b:c')).not.toBe(known('a:b', 'c'))
    expect(known('ab', 'c')).not.toBe(known('a', 'bc'))
  })
})
