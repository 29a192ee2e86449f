import * as fc from 'fast-check'
import { expect, it } from 'vitest'
import { Secret } from '../../src/domain/secret.ts'
import { HOUR, SECOND } from '../../src/domain/time.ts'
import { settle } from '../../src/testing/index.ts'
import { grantServer } from '../world/grant-server.ts'
import { anyScriptedRefresh, anyTime, excused, impatient, scriptedRefreshes } from '../world/scripted-refreshes.ts'
import { type Death, storage } from '../world/storage.ts'
import { world } from '../world/world.ts'

/** A step of the simulation: of the process that owns the text, of its storage, or of the authorization server. */
type Step =
  | { readonly is: 'ask' }
  | { readonly is: 'pass'; readonly ms: number }
  | { readonly is: 'answer'; readonly answer: keyof typeof scriptedRefreshes }
  | { readonly is: 'kill' }
  /** The process is killed in this save from now, counted from 0. */
  | { readonly is: 'die'; readonly death: Death; readonly skip: number }
  /** From now on saves reject, before or after they have saved the text. */
  | { readonly is: 'saves'; readonly fail: Death | false }

const step: fc.Arbitrary<Step> = fc.oneof(
  { weight: 6, arbitrary: fc.constant({ is: 'ask' as const }) },
  { weight: 5, arbitrary: fc.record({ is: fc.constant('pass' as const), ms: anyTime }) },
  { weight: 3, arbitrary: fc.record({ is: fc.constant('answer' as const), answer: anyScriptedRefresh }) },
  { weight: 1, arbitrary: fc.constant({ is: 'kill' as const }) },
  {
    weight: 3,
    arbitrary: fc.record({
      is: fc.constant('die' as const),
      death: fc.constantFrom<Death>('before', 'after'),
      skip: fc.nat(2),
    }),
  },
  {
    weight: 1,
    arbitrary: fc.record({
      is: fc.constant('saves' as const),
      fail: fc.constantFrom<Death | false>('before', 'after', false),
    }),
  },
)

/** The ids of the last resorts that the texts declare. */
const declaredIn = (saved: readonly string[]): ReadonlySet<string> =>
  new Set(
    saved.flatMap((text) =>
      [...text.matchAll(/"intent":\{"id":"([^"]+)","action":"last_resort"/g)].map(([, id = '']) => id),
    ),
  )

async function live(steps: readonly Step[]): Promise<void> {
  const here = world()
  const { clock } = here
  const server = grantServer(clock)
  here.upstream.token = server.answering
  const refreshToken = new Secret(server.issue())
  const kept = storage(clock)
  const start = async () => {
    const owner = kept.start()
    return { ...owner, ...(await here.process({ refreshToken, policy: impatient }, { store: owner.store })) }
  }
  let owner = await start()
  const everFails = steps.some((one) => one.is === 'saves' && one.fail)
  const allowed = everFails ? new RegExp(`${excused.source}|^store_unavailable$`) : excused
  const faults: unknown[] = []

  const ask = async (): Promise<void> => {
    const got = await owner.accessTokens.token().catch((error: { code?: string }) => error)
    if ('token' in got) expect(kept.saved.some((text) => text.includes(got.token.reveal()))).toBe(true)
    else expect(got.code).toMatch(allowed)
  }
  const asking = (): void => void ask().catch((fault: unknown) => faults.push(fault))

  for (const one of steps) {
    if (one.is === 'pass') await clock.advance(one.ms)
    if (one.is === 'answer') server.meets(scriptedRefreshes[one.answer](clock))
    if (one.is === 'die') owner.diesAt(one.death, one.skip)
    if (one.is === 'saves') {
      kept.fails = one.fail ? new Error('down') : undefined
      kept.savesAllTheSame = one.fail === 'after'
    }
    if (one.is === 'kill') owner.kill()
    if (one.is === 'ask') asking()
    await settle()
    if (owner.isDead()) owner = await start()
  }
  kept.fails = undefined
  for (let round = 0; round < 9; round += 1) {
    asking()
    await clock.advance(HOUR)
    if (owner.isDead()) owner = await start()
  }
  expect(faults).toEqual([])
  const declared = declaredIn(kept.saved).size
  const again = [...server.risked.values()].reduce((sum, times) => sum + times - 1, 0)
  expect(again).toBeLessThanOrEqual(declared)
  expect(server.reuses()).toBeLessThanOrEqual(declared)
  // What ended, ended because a last resort that was declared found the refresh token spent.
  const { credential } = await owner.store.find('default', 'grant')
  if (credential?.status === 'needs_reauth') expect(server.reuses()).toBeGreaterThan(0)
  else expect(credential?.tokens?.access.reveal() ?? '').toMatch(/^test-secret-access-/)
}

it('sends a refresh token twice only if the text declares it, and returns no unsaved token, for kills and failures at any save', {
  timeout: 60 * SECOND,
}, async () => {
  await fc.assert(
    fc.asyncProperty(fc.array(step, { maxLength: 30 }), (steps) => live(steps)),
    { numRuns: 150 },
  )
})
