import * as fc from 'fast-check'
import { expect, it } from 'vitest'
import { HOUR, MINUTE, SECOND } from '../../../src/domain/time.ts'
import { HttpFault } from '../../../src/ports/http.ts'
import { settle } from '../../../src/testing/index.ts'
import { granted, json } from '../../world/fake-upstream.ts'
import { outcome, world } from '../../world/world.ts'

/** One thing that happens to a service and its upstream. */
type Happening =
  | { readonly is: 'ask'; readonly process: number; readonly callers: number }
  | { readonly is: 'reject'; readonly process: number }
  | { readonly is: 'pass'; readonly ms: number }
  | { readonly is: 'step'; readonly ms: number }
  | { readonly is: 'fault'; readonly fault: Fault }

type Fault = 'well' | 'slow' | 'busy' | 'failing' | 'lost' | 'misconfigured'

const possibleFaults: readonly Fault[] = ['well', 'well', 'slow', 'busy', 'failing', 'lost', 'misconfigured']
const pass = fc.oneof(
  fc.integer({ min: 1, max: 5 * SECOND }),
  fc.integer({ min: 1, max: 10 * MINUTE }),
  fc.constantFrom(MINUTE, 5 * MINUTE, 54 * MINUTE, HOUR),
)
const happening = (steps: boolean): fc.Arbitrary<Happening> =>
  fc.oneof(
    {
      weight: 6,
      arbitrary: fc.record({
        is: fc.constant('ask' as const),
        process: fc.nat(2),
        callers: fc.integer({ min: 1, max: 5 }),
      }),
    },
    { weight: 1, arbitrary: fc.record({ is: fc.constant('reject' as const), process: fc.nat(2) }) },
    { weight: 5, arbitrary: fc.record({ is: fc.constant('pass' as const), ms: pass }) },
    {
      weight: 2,
      arbitrary: fc.record({ is: fc.constant('fault' as const), fault: fc.constantFrom(...possibleFaults) }),
    },
    {
      weight: steps ? 2 : 0,
      arbitrary: fc.record({ is: fc.constant('step' as const), ms: fc.integer({ min: -2 * HOUR, max: 2 * HOUR }) }),
    },
  )

/** Lives through what happens, and looks at every token that is handed out. */
async function live(happenings: readonly Happening[], processes: number): Promise<void> {
  const here = world()
  const { clock, upstream } = here
  const endOf = new Map<string, number>()
  const rejected = new Map<number, Set<string>>()
  let fault: Fault = 'well'
  let underWay = 0
  let mostUnderWay = 0
  const answer = async () => {
    if (fault === 'busy') return json(429, {}, { 'retry-after': '30' })
    if (fault === 'failing') return json(503, {})
    if (fault === 'lost') throw new HttpFault('lost', 'ECONNRESET')
    if (fault === 'misconfigured') return json(400, { error: 'invalid_scope' })
    const nth = endOf.size + 1
    endOf.set(`test-secret-token-${nth}`, clock.monotonic() + HOUR)
    if (fault === 'slow') await clock.sleep(7 * SECOND)
    return granted(nth)
  }
  upstream.token = async () => {
    mostUnderWay = Math.max(mostUnderWay, (underWay += 1))
    return answer().finally(() => (underWay -= 1))
  }
  const sources = await Promise.all(Array.from({ length: processes }, async () => (await here.process()).accessTokens))
  const sourceOf = (process: number) => sources[process % processes] as (typeof sources)[number]
  const waiting = new Set<Promise<void>>()
  const faults: unknown[] = []

  const ask = async (process: number): Promise<void> => {
    const known = new Set(rejected.get(process % processes))
    const got = await sourceOf(process)
      .token()
      .catch((error: { code?: string }) => error)
    if (!('token' in got)) return expect(got.code).toMatch(/^(upstream_|scope_missing|deadline_exceeded|token_refused)/)
    const token = got.token.reveal()
    expect(clock.monotonic(), `${token} was served late`).toBeLessThan(endOf.get(token) ?? 0)
    expect(known.has(token), `${token} had been rejected`).toBe(false)
  }

  for (const step of happenings) {
    if (step.is === 'pass') await clock.advance(step.ms)
    if (step.is === 'step') clock.stepWall(step.ms)
    if (step.is === 'fault') fault = step.fault
    if (step.is === 'ask') {
      for (let caller = 0; caller < step.callers; caller += 1) {
        const asked = ask(step.process)
          .catch((thrown: unknown) => void faults.push(thrown))
          .finally(() => waiting.delete(asked))
        waiting.add(asked)
      }
      await settle()
    }
    if (step.is === 'reject') {
      const got = await Promise.race([
        sourceOf(step.process)
          .token()
          .catch(() => undefined),
        settle(),
      ])
      if (got) {
        sourceOf(step.process).reportRejected(got.token)
        const known = rejected.get(step.process % processes) ?? new Set()
        rejected.set(step.process % processes, known.add(got.token.reveal()))
      }
    }
  }
  fault = 'well'
  await clock.advance(MINUTE)
  await Promise.all(waiting)
  expect(faults).toEqual([])
  const ends: string[] = []
  for (let round = 0; round < 12; round += 1) {
    const end = outcome(sourceOf(0).token())
    await clock.advance(MINUTE)
    ends.push(await end)
  }
  expect(ends.at(-1)).toMatch(/^test-secret-token-\d+$/)
  expect(mostUnderWay).toBeLessThanOrEqual(1)
  expect(clock.sleeping).toBe(0)
}

it('processes serve no expired or rejected token under any faults, request one at a time, and recover', async () => {
  const story = fc.array(happening(false), { maxLength: 40 })
  await fc.assert(
    fc.asyncProperty(story, (happenings) => live(happenings, 3)),
    { numRuns: 60 },
  )
})

it('a process serves no expired or rejected token under any faults and clock steps, and recovers', async () => {
  const story = fc.array(happening(true), { maxLength: 40 })
  await fc.assert(
    fc.asyncProperty(story, (happenings) => live(happenings, 1)),
    { numRuns: 60 },
  )
})
