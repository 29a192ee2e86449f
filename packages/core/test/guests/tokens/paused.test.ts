import { describe, expect, it } from 'vitest'
import { Secret } from '../../../src/domain/secret.ts'
import { HOUR, MINUTE, SECOND } from '../../../src/domain/time.ts'
import { settle } from '../../../src/testing/index.ts'
import { answers, grantServer } from '../../world/grant-server.ts'
import { pausable } from '../../world/pausable.ts'
import { applicantWorld, ann } from '../../world/applicant-world.ts'
import { outcome, advanceUntil, world } from '../../world/world.ts'

/** More store calls and requests than a refresh takes, its repeat after a wait included. */
const STEPS = Array.from({ length: 14 }, (_, at) => at + 1)
const LONGER_THAN_EVERY_LEASE = 8 * SECOND

describe('a process that is paused beyond its lease', () => {
  it.each(STEPS)('presents no spent refresh token when it goes on, halted at step %i of a refresh', async (nth) => {
    const here = world()
    const server = grantServer(here.clock)
    here.upstream.token = server.answering
    const seed = new Secret(server.issue())
    const policy = { retry: { retries: 3 } }
    const first = await here.process({ refreshToken: seed })
    await first.accessTokens.token()
    await here.clock.advance(HOUR + MINUTE)
    // One refusal that proves that nothing was done, so that a repeat after a wait is among the steps.
    server.meets(answers(429))
    const halting = pausable({ store: here.store, http: here.upstream.http, clock: here.clock }, nth)
    const halted = await here.process({ refreshToken: seed, policy }, halting.ports)
    halting.start()
    const asked = outcome(halted.accessTokens.token())
    await advanceUntil(here.clock, Promise.race([halting.reached, asked]))
    await here.clock.advance(LONGER_THAN_EVERY_LEASE)
    const next = await advanceUntil(here.clock, outcome((await here.process({ policy })).accessTokens.token()))
    const before = server.refreshes.length
    halting.goOn()
    await advanceUntil(here.clock, asked)
    await settle()
    const types = (await here.events()).map(({ type }) => type)
    const declared = types.filter((type) => type === 'GRANT_LAST_RESORT').length
    const twice = [...server.risked.values()].reduce((sum, times) => sum + Math.max(0, times - 1), 0)
    expect(twice).toBeLessThanOrEqual(declared)
    if (next.startsWith('access-of')) expect([server.reuses(), server.refreshes.length]).toEqual([0, before])
  })

  it.each(STEPS)('presents no spent refresh token of a guest, halted at step %i', async (nth) => {
    const here = applicantWorld()
    // Signatures are checked on other threads, while the clock of the test goes on.
    const policy = { retry: { retries: 0 }, deadlineMs: HOUR, timeoutMs: HOUR, limit: { maxWaitMs: HOUR } }
    const { guestId } = await (await here.process()).guests.issue(ann)
    await here.clock.advance(HOUR + 2 * MINUTE)
    const halting = pausable({ store: here.store, http: here.upstream.http, clock: here.clock }, nth)
    const halted = await here.process({ policy }, halting.ports)
    halting.start()
    const asked = outcome(halted.guests.token(guestId, { patienceMs: HOUR }))
    await advanceUntil(here.clock, Promise.race([halting.reached, asked]))
    await here.clock.advance(LONGER_THAN_EVERY_LEASE)
    const next = await advanceUntil(
      here.clock,
      outcome((await here.process({ policy })).guests.token(guestId, { patienceMs: HOUR })),
    )
    const before = here.upstream.asked.refresh.length
    halting.goOn()
    const late = await advanceUntil(here.clock, asked)
    if (next.includes('.')) expect([late, here.upstream.asked.refresh.length]).toEqual([next, before])
    expect(here.upstream.asked.refresh.length).toBeLessThanOrEqual(2)
  })
})
