import type { Credential } from '../domain/credential.ts'
import type { Instant } from '../domain/time.ts'
import { asGuestpassError, GuestpassError } from '../errors.ts'
import type { Meter } from '../ports/meter.ts'
import { stopwatch } from '../ports/clock.ts'
import type { Live, RenewalPorts } from '../tokens/renewal.ts'
import { type Attempt, authenticated, wording } from './attempt.ts'
import type { Opening } from './claims.ts'
import { creation } from './creation.ts'
import type { PersonApi } from './person-api.ts'
import type { OnDuplicate, Person } from './person-request.ts'
import type { Pseudonym } from './pseudonyms.ts'
import type { Reception } from './reception.ts'
import type { Sessions } from './sessions.ts'
import { type Decision, decide, DUPLICATE, guestOf, type Slot, slotOf } from './slot.ts'
import type { Telling } from './telling.ts'
import { turns } from './turns.ts'

export interface AuthenticationParts {
  readonly connection: string
  readonly actor: string
  readonly apis: Readonly<Record<Person['api'], PersonApi>>
  readonly pseudonym: Pseudonym
  readonly reception: Reception
  readonly sessions: Sessions
  readonly telling: Telling
  readonly meter: Meter
  /** What becomes of a request for somebody who has a session, where the request does not say. */
  readonly onDuplicate: OnDuplicate
}

/**
 * Gives a person a guest: one for each address and channel, however many ask at once. Rejects with `session_exists`,
 * `create_in_doubt`, `guest_orphaned`, `channel_unavailable`, `token_refused` and the codes of token and upstream.
 */
export type Authenticate = (
  person: Person,
  options: { readonly correlationId: string; readonly signal?: AbortSignal | undefined },
) => Promise<Live>

/** What stands under the key of an attempt. */
interface Found {
  readonly slot: Slot | undefined
  readonly revision: number
  readonly guest: Credential | undefined
  readonly now: () => Instant
  readonly decision: Decision
}

/** Failures of a renewal after which only a new guest will do. */
const OVER: ReadonlySet<string> = new Set(['needs_reauth', 'refresh_impossible', 'guest_revoked', 'in_doubt'])

export function authentication(parts: AuthenticationParts, ports: RenewalPorts): Authenticate {
  const { connection, apis, meter, sessions } = parts
  const { store, clock, random } = ports
  const words = wording(connection, parts.actor, ports)
  const create = creation({ ...parts, wording: words }, ports)
  const turn = turns(connection, ports)

  async function look({ key, person, onDuplicate }: Attempt): Promise<Found> {
    const elapsed = stopwatch(clock)
    const { value, revision } = await store.document(connection, DUPLICATE, key)
    const slot = slotOf(value)
    // A key names no credential: then only the store's time is read.
    const { credential: guest, now } = await store.find(connection, guestOf(slot) ?? key)
    const decision = decide(slot, guest, now, { assurance: person.assurance, onDuplicate })
    return { slot, revision, guest, now: () => now + elapsed(), decision }
  }

  /** The person has a session, and this request gets nothing of it: not even its id. */
  async function refuse(attempt: Attempt, { guest, now }: Found): Promise<GuestpassError> {
    meter.count('guest_authentication_failed')
    const error = new GuestpassError(
      'session_exists',
      'A session for this address and channel exists. Use it, end it with `guestpass guest invalidate`, or ask for reuse or replace with an address that is verified.',
    )
    const subject = guest?.subject ?? random.uuid()
    const told = { type: 'guest.authentication', outcome: 'failure', subject, error } as const
    await store.commit({ connection, events: [words(attempt, now(), told)] })
    return error
  }

  /** What the person has, valid now; undefined when that can be had no longer. */
  async function reused(attempt: Attempt, { now }: Found, guestId: string): Promise<Live | undefined> {
    await store.touch(connection, guestId)
    let guest: Live
    try {
      guest = (await sessions.current(guestId, {})).credential
    } catch (thrown) {
      if (OVER.has(asGuestpassError(thrown).code)) return undefined
      throw thrown
    }
    const begun = words(attempt, now(), {
      type: 'TOKEN_REQUEST_INITIATED',
      outcome: 'pending',
      subject: guest.subject,
      generation: guest.generation,
    })
    await store.commit({ connection, events: [begun] })
    const done = authenticated(words, attempt, { now, trail: [begun] }, guest, { told: { reused: true } })
    await store.commit({ connection, events: [done] })
    return guest
  }

  /** One look at what there is, and what follows; undefined: to be tried again, in turn. */
  async function serve(attempt: Attempt, inTurn: boolean): Promise<Live | undefined> {
    const found = await look(attempt)
    const { decision } = found
    if (decision.do === 'refuse') throw await refuse(attempt, found)
    if (decision.do === 'reuse') {
      const guest = await reused(attempt, found, decision.guestId)
      if (guest || !inTurn) return guest
    }
    if (!inTurn) return undefined
    const opening: Opening = { ...found, decision: decision.do === 'create' ? decision : instead(decision.guestId) }
    return create(apis[attempt.person.api], attempt, opening)
  }

  return async (person, { correlationId, signal }) => {
    apis[person.api].available()
    const key = await parts.pseudonym(person)
    const onDuplicate = person.onDuplicate ?? parts.onDuplicate
    const attempt: Attempt = { person, onDuplicate, key, correlationId, signal, elapsed: stopwatch(clock) }
    const served = await serve(attempt, false)
    if (served) return done(attempt, served)
    const made = await turn(
      `guest:${key}`,
      async () => {
        for (;;) {
          signal?.throwIfAborted()
          const guest = await serve(attempt, true)
          if (guest) return guest
        }
      },
      signal,
    )
    return done(attempt, made)
  }

  function done({ elapsed }: Attempt, guest: Live): Live {
    meter.count('guest_authenticated')
    meter.time('guest_authentication_latency', elapsed())
    return guest
  }
}

/** A guest in the place of one that cannot be renewed any more. */
const instead = (former: string): Extract<Decision, { do: 'create' }> => ({
  do: 'create',
  resumes: false,
  former,
  replaces: true,
})
