import * as fc from 'fast-check'
import { expect, it } from 'vitest'
import type { Connection } from '../../../src/connection/connection.ts'
import { guestsIn } from '../../../src/domain/credential.ts'
import { HOUR, MINUTE, SECOND } from '../../../src/domain/time.ts'
import { asGuestpassError } from '../../../src/domain/errors.ts'
import { isLive } from '../../../src/guests/authentication/guest-reservation.ts'
import { settle } from '../../../src/testing/index.ts'
import { dropped, instead, type ScriptedAnswer, slow } from '../../world/scripted-answers.ts'
import { killableStore } from '../../world/killable-store.ts'
import { garbled } from '../../world/applicant-upstream.ts'
import { ann, EMAIL, applicantWorld, reuse } from '../../world/applicant-world.ts'

const answers: Readonly<Record<string, ScriptedAnswer>> = {
  'lost before': dropped('before'),
  'lost after': dropped('after'),
  garbled,
  refused: instead(400, { code: 'bad.request' }),
  unavailable: instead(503),
}

const ask = fc.record({
  do: fc.constant('ask' as const),
  process: fc.constantFrom(0, 1),
  times: fc.integer({ min: 1, max: 3 }),
  assurance: fc.constantFrom('claimed' as const, 'verified' as const),
  onDuplicate: fc.constantFrom('reject' as const, 'reuse' as const, 'replace' as const),
  meets: fc.option(fc.constantFrom(...Object.keys(answers))),
})
const other = fc.record({
  do: fc.constantFrom('revoke' as const, 'erase' as const, 'invalidate' as const, 'lapse' as const, 'wait' as const),
  ms: fc.constantFrom(MINUTE, HOUR, HOUR + 6 * MINUTE),
})

/** What may come of a request for a guest when nothing else fails. */
const OUTCOMES = new Set([
  'issued',
  'session_exists',
  'create_in_doubt',
  'guest_orphaned',
  'upstream_rejected',
  'upstream_unavailable',
])

it('keeps one guest for each person in any order of calls and lost answers, and gives it to no later caller who only claims the address', async () => {
  await fc.assert(
    fc.asyncProperty(fc.array(fc.oneof({ weight: 3, arbitrary: ask }, other), { maxLength: 14 }), async (steps) => {
      const here = applicantWorld()
      const processes = [await here.process(), await here.process()]
      const handedOut = new Set<string>()
      const givenUp = new Set<string>()
      let latest: string | undefined
      for (const step of steps) {
        if (step.do === 'ask') {
          const { process, times, assurance, onDuplicate, meets } = step
          if (meets) here.upstream.meets('create', answers[meets] as ScriptedAnswer)
          const policy = assurance === 'verified' ? { onDuplicate } : {}
          const { guests } = processes[process] as Connection
          const before = here.upstream.sessions.length
          const said = await Promise.all(
            Array.from({ length: times }, () =>
              guests.issue({ ...ann, assurance, ...policy }).then(
                (guest) => guest,
                (thrown: unknown) => asGuestpassError(thrown).code,
              ),
            ),
          )
          // What the script has left is of no later request.
          here.upstream.forgive()
          for (const one of said) {
            if (typeof one === 'string') expect(OUTCOMES).toContain(one)
            else {
              if (assurance === 'claimed') expect(handedOut.has(one.guestId)).toBe(false)
              handedOut.add((latest = one.guestId))
              givenUp.delete(one.guestId)
            }
          }
          // Upstream has one session for the key, and at most one more came about.
          expect(here.upstream.sessions.length - before).toBeLessThanOrEqual(times)
        } else if (step.do === 'lapse') here.upstream.lapse()
        else if (step.do === 'wait') await here.clock.advance(step.ms)
        else if (step.do === 'invalidate') {
          const { guestId } = (await processes[0]?.guests.invalidate({ email: EMAIL, channelId: 'web-1' })) ?? {}
          if (guestId !== undefined) givenUp.add(guestId)
        } else if (latest !== undefined) await processes[1]?.guests[step.do](latest)
        await settle()
        const { documents } = await here.store.documents('default', { kind: 'duplicate', limit: 9 })
        expect(documents.length).toBeLessThanOrEqual(1)
        for (const { value } of documents) expect(value).not.toMatchObject({ state: 'creating' })
        const guests = guestsIn(await here.store.list('default', { kind: 'guest', limit: 99 }))
        const live = guests.filter((guest) => isLive(guest, here.clock.wall()) && !givenUp.has(guest.id))
        expect(live.length).toBeLessThanOrEqual(1)
        const recorded = JSON.stringify(await here.events()).toLowerCase()
        expect(recorded).not.toContain(EMAIL)
        for (const id of handedOut) expect(recorded).not.toContain(id)
      }
    }),
    { numRuns: 60 },
  )
})

const happening = fc.oneof(
  { weight: 5, arbitrary: fc.record({ do: fc.constant('ask' as const), process: fc.nat(2), sure: fc.boolean() }) },
  {
    weight: 2,
    arbitrary: fc.record({ do: fc.constant('meet' as const), what: fc.constantFrom(...Object.keys(answers), 'slow') }),
  },
  { weight: 2, arbitrary: fc.record({ do: fc.constant('kill' as const), process: fc.nat(2) }) },
  {
    weight: 3,
    arbitrary: fc.record({ do: fc.constant('pass' as const), ms: fc.constantFrom(1, SECOND, 7 * SECOND, MINUTE) }),
  },
)

it('keeps one guest for each person when processes are killed at any moment, and answers the last caller', async () => {
  await fc.assert(
    fc.asyncProperty(fc.array(happening, { maxLength: 20 }), async (happenings) => {
      const here = applicantWorld()
      const start = async () => {
        const { store, kill } = killableStore(here.store)
        return { ...(await here.process({}, { store })), kill }
      }
      const processes = [await start(), await start(), await start()]
      /** To whom each guest was given: of those who only claim the address, one may have it, as the first. */
      const given = new Map<string, number>()
      const faults: string[] = []
      const askFor = async ({ guests }: Pick<Connection, 'guests'>, isSure: boolean): Promise<string> => {
        const said = await guests.issue(isSure ? reuse : ann).catch((thrown: unknown) => asGuestpassError(thrown).code)
        if (typeof said === 'string') return said
        const before = given.get(said.guestId) ?? 0
        if (!isSure && before > 0)
          faults.push(`${said.guestId} was given to a second caller who only claims the address`)
        given.set(said.guestId, before + 1)
        return 'issued'
      }
      for (const step of happenings) {
        if (step.do === 'ask') void askFor(processes[step.process] as Connection, step.sure)
        if (step.do === 'meet')
          here.upstream.meets(
            'create',
            step.what === 'slow' ? slow(here.clock, 3 * SECOND) : (answers[step.what] as ScriptedAnswer),
          )
        if (step.do === 'kill') {
          processes[step.process]?.kill()
          processes[step.process] = await start()
        }
        await here.clock.advance(step.do === 'pass' ? step.ms : 0)
        const guests = guestsIn(await here.store.list('default', { kind: 'guest', limit: 99 }))
        expect(guests.filter((guest) => isLive(guest, here.clock.wall())).length).toBeLessThanOrEqual(1)
      }
      await here.clock.advance(MINUTE)
      here.upstream.forgive()
      const last = askFor(await start(), true)
      await here.clock.advance(MINUTE)
      expect(['issued', 'session_exists', 'guest_orphaned']).toContain(await last)
      const { documents } = await here.store.documents('default', { kind: 'duplicate', limit: 9 })
      expect(documents.map(({ value }) => value)).not.toContainEqual(expect.objectContaining({ state: 'creating' }))
      expect(faults).toEqual([])
      // Sessions that are not stored here are on record as in doubt or orphaned.
      const held = here.upstream.sessions.filter(({ guestId }) => given.has(guestId)).length
      const unsettled = (await here.recorded()).filter((type) =>
        ['GUEST_ORPHANED', 'GUEST_CREATE_IN_DOUBT'].includes(type),
      )
      if (held < here.upstream.sessions.length) expect(unsettled.length).toBeGreaterThan(0)
    }),
    { numRuns: 60 },
  )
})
