import * as fc from 'fast-check'
import { expect, it } from 'vitest'
import { Secret } from '../../../src/domain/secret.ts'
import { HOUR, SECOND } from '../../../src/domain/time.ts'
import { settle } from '../../../src/testing/index.ts'
import { grantServer } from '../../world/grant-server.ts'
import { anyScriptedRefresh, anyTime, excused, impatient, scriptedRefreshes } from '../../world/scripted-refreshes.ts'
import { killableStore } from '../../world/killable-store.ts'
import { world } from '../../world/world.ts'

/** One thing that happens to the processes of a connection and to its authorization server. */
type Happening =
  | { readonly is: 'ask'; readonly process: number }
  | { readonly is: 'kill'; readonly process: number }
  | { readonly is: 'pass'; readonly ms: number }
  | { readonly is: 'meet'; readonly answer: keyof typeof scriptedRefreshes }

const happening: fc.Arbitrary<Happening> = fc.oneof(
  { weight: 6, arbitrary: fc.record({ is: fc.constant('ask' as const), process: fc.nat(2) }) },
  { weight: 1, arbitrary: fc.record({ is: fc.constant('kill' as const), process: fc.nat(2) }) },
  {
    weight: 5,
    arbitrary: fc.record({
      is: fc.constant('pass' as const),
      ms: anyTime,
    }),
  },
  {
    weight: 3,
    arbitrary: fc.record({
      is: fc.constant('meet' as const),
      answer: anyScriptedRefresh,
    }),
  },
)

async function live(happenings: readonly Happening[], refreshProfile: 'strict' | 'grace'): Promise<void> {
  const here = world()
  const { clock } = here
  const graceMs = refreshProfile === 'grace' ? 30 * SECOND : 0
  const server = grantServer(clock, { graceMs })
  here.upstream.token = server.answering
  const seed = new Secret(server.issue())
  const start = async () => {
    const { store, kill } = killableStore(here.store)
    return { ...(await here.process({ refreshToken: seed, refreshProfile, policy: impatient }, { store })), kill }
  }
  const processes = await Promise.all([start(), start(), start()])

  const ask = async (process: number): Promise<void> => {
    const got = await processes[process]?.accessTokens.token().catch((error: { code?: string }) => error)
    if (got && !('token' in got)) expect(got.code).toMatch(excused)
  }
  const faults: unknown[] = []
  for (const step of happenings) {
    if (step.is === 'pass') await clock.advance(step.ms)
    if (step.is === 'meet') server.meets(scriptedRefreshes[step.answer](clock))
    if (step.is === 'ask') {
      void ask(step.process).catch((fault: unknown) => faults.push(fault))
      await settle()
    }
    if (step.is === 'kill') {
      processes[step.process]?.kill()
      processes[step.process] = await start()
    }
  }
  await clock.advance(3 * HOUR)
  for (let round = 0; round < 6; round += 1) {
    void ask(0).catch((fault: unknown) => faults.push(fault))
    await clock.advance(HOUR)
  }
  expect(faults).toEqual([])
  const events = await here.events()
  const declared = events.filter(({ type }) => type === 'GRANT_LAST_RESORT').length
  // A refusal that proves that nothing was done is no reason not to present a token again.
  const again = [...server.risked.values()].reduce((sum, times) => sum + times - 1, 0)
  if (refreshProfile === 'strict') expect(again).toBeLessThanOrEqual(declared)
  expect(server.reuses()).toBeLessThanOrEqual(declared)
  const { credential } = await here.store.find('default', 'grant')
  // Nothing is lost silently: a connection without tokens says so, and the log says why.
  if (credential?.status === 'needs_reauth') expect(events.map(({ type }) => type)).toContain('GRANT_ENDED')
  else expect(credential?.tokens?.access.reveal() ?? '').toMatch(/^test-secret-access-|^$/)
  if (server.reuses() > 0) expect(events.map(({ type }) => type)).toContain('GRANT_IN_DOUBT')
}

it.each(['strict', 'grace'] as const)(
  'whatever happens, a refresh token is presented twice to a %s server only where that was declared, and nothing is lost silently',
  async (profile) => {
    await fc.assert(
      fc.asyncProperty(fc.array(happening, { maxLength: 30 }), (happenings) => live(happenings, profile)),
      { numRuns: 100 },
    )
  },
)
