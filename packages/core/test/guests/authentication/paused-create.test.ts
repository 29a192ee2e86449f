import { describe, expect, it } from 'vitest'
import { HOUR, SECOND } from '../../../src/domain/time.ts'
import { settle } from '../../../src/testing/index.ts'
import { instead } from '../../world/scripted-answers.ts'
import { pausable } from '../../world/pausable.ts'
import { ann, EMAIL, applicantWorld } from '../../world/applicant-world.ts'
import { outcome, advanceUntil } from '../../world/world.ts'

/** More store calls and requests than a create takes, its repeat after a wait included. */
const STEPS = Array.from({ length: 16 }, (_, at) => at + 1)
const LONGER_THAN_EVERY_LEASE = 8 * SECOND
const user = { api: 'external-users', email: EMAIL, name: 'Ann Example' } as const
/** No deadline and no limit ends a create here: signatures are checked on other threads, while the clock of the test goes on. */
const policy = { retry: { retries: 3 }, deadlineMs: HOUR, limit: { maxWaitMs: HOUR } }

/** A process that is halted at a step of its request, another that asks meanwhile, and what came of both when the first goes on. */
async function halted(kind: 'create' | 'user', nth: number, requests: readonly [object, object]) {
  const here = applicantWorld()
  // One refusal that proves that nothing was done, so that a repeat after a wait is among the steps.
  here.upstream.meets(kind, instead(429, {}, { 'retry-after': '1' }))
  const halting = pausable({ store: here.store, http: here.upstream.http, clock: here.clock }, nth)
  const slow = await here.process({ policy }, halting.ports)
  halting.start()
  const asked = outcome(slow.guests.issue(requests[0] as typeof user))
  await advanceUntil(here.clock, Promise.race([halting.reached, asked]))
  await here.clock.advance(LONGER_THAN_EVERY_LEASE)
  const other = await here.process({ policy })
  const next = await advanceUntil(here.clock, outcome(other.guests.issue(requests[1] as typeof user)))
  const before = here.upstream.asked[kind].length
  halting.goOn()
  const late = await advanceUntil(here.clock, asked)
  await settle()
  const events = await here.events()
  const orphans = events.flatMap((event) => (event.type === 'GUEST_ORPHANED' ? [event.data.requestId] : []))
  const sent = here.upstream.asked[kind].length - before
  return { ...here, sent, next, late, orphans, made: here.upstream.sessions.length }
}

describe('a process that is paused beyond its lease', () => {
  it.each(STEPS)('makes no second guest when it goes on, halted at step %i of a create', async (nth) => {
    const { made, next, late, store } = await halted('user', nth, [user, user])
    expect(made).toBe(1)
    expect([next, late].filter((one) => one.includes('.'))).toHaveLength(1)
    const { documents } = await store.documents('default', { kind: 'duplicate', limit: 9 })
    expect(documents.map(({ value }) => value)).toMatchObject([{ state: 'live' }])
  })

  it.each(STEPS)('makes no guest beside one that was requested with onDoubt create, halted at step %i', async (nth) => {
    const { made, orphans, next } = await halted('user', nth, [user, { ...user, onDoubt: 'create' }])
    expect(made - 1).toBeLessThanOrEqual(orphans.length)
    if (made === 2) expect(next).toContain('.')
  })

  it.each(STEPS)('makes one guest if the upstream refuses a second, halted at step %i', async (nth) => {
    const { made, next, late } = await halted('create', nth, [ann, ann])
    expect(made).toBe(1)
    expect([next, late].filter((one) => one.includes('.')).length).toBeLessThanOrEqual(1)
  })

  it('sends nothing when it was halted before sending, and gets the guest of the other process', async () => {
    const found = []
    for (const nth of STEPS) {
      const { sent, late, next } = await halted('user', nth, [user, { ...user, onDoubt: 'create' }])
      if (!next.includes('.') || late.includes('.')) continue
      found.push(nth)
      expect([late, sent]).toEqual(['session_exists', 0])
    }
    expect(found.length).toBeGreaterThan(3)
  })
})
