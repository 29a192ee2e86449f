import { checkedConnection, connectionName } from '../../domain/connection-name.ts'
import type { Context } from '../../domain/context.ts'
import { type About, aboutOf } from '../../domain/events/event-parts.ts'
import { guestInvalidated } from '../../domain/events/guest-records.ts'
import { guestIdOf } from '../../domain/guest-id.ts'
import { call, checkOptions, needed, record } from '../../domain/options.ts'
import { hasEnded } from '../../domain/plan.ts'
import { DAY, type Millis } from '../../domain/time.ts'
import * as kinds from '../../ports/kinds.ts'
import type { Clock } from '../../ports/clock.ts'
import type { Random } from '../../ports/random.ts'
import { systemClock } from '../../ports/system.ts'
import type { Store } from '../../ports/store.ts'
import { revocationChange } from '../tokens/revocation.ts'
import { callerWait } from '../../tokens/renewal/caller-wait.ts'
import { createEraser, type Erasure, type Revocation, revocationOf } from './erasure.ts'
import { type GuestView, viewOf } from './guest-view.ts'
import { type Locate, type Located, locate } from '../requests/locate.ts'
import type { PersonExport } from './person-export.ts'
import { type PersonErasure, createPersonRecords } from './person-records.ts'
import { parseDuplicateKey, type Applicant, type PersonKey } from '../requests/applicant-request.ts'
import { createPseudonyms } from '../authentication/pseudonyms.ts'
import type { GuestContext } from '../requests/guest-context.ts'
import { parseGuestId } from '../requests/guest-token-request.ts'
import { DUPLICATE, reservedGuest, type Reservation, reservationOf } from '../authentication/guest-reservation.ts'

/** Whose session is given up. */
export interface DuplicateKey {
  /** Default `engagements`. */
  readonly api?: Applicant['api'] | undefined
  readonly email: string
  /** Of an engagement. */
  readonly channelId?: string | undefined
}

export interface Invalidation {
  /** False when nobody had a session. */
  readonly freed: boolean
  /** The guest that had it; its token stays valid until it ends or is revoked. */
  readonly guestId?: string
}

/**
 * What can be done with the guests of a connection without asking upstream. `context.signal` and `context.patienceMs` end the caller's
 * wait, with the signal's reason or `deadline_exceeded`.
 */
export interface GuestRecords {
  /** Rejects with `invalid_input` or `guest_unknown`. */
  show(guestId: string, context?: GuestContext): Promise<GuestView>
  /** Guests in the order of their rows; `limit` 1 to 1000, default 100; `after`: the `next` of the page before. */
  list(
    page?: { readonly after?: string; readonly limit?: number },
    context?: Context,
  ): Promise<{ readonly guests: readonly GuestView[]; readonly next?: string }>
  /** Ends the guest: every token issued for it is denied by the verifier, and no other will be issued. Doing it again changes nothing. */
  revoke(guestId: string, context?: GuestContext): Promise<Revocation>
  /**
   * Ends the guest and forgets the person: profile and keys are destroyed, work left to do is cancelled, and what the audit recorder of
   * the guest is nobody's any more. Doing it again changes nothing.
   */
  erase(guestId: string, context?: GuestContext): Promise<Erasure>
  /** The same for every guest of an address, of all APIs and channels unless one channel is named. Rejects with `invalid_input`. */
  erase(whose: PersonKey, context?: Context): Promise<PersonErasure>
  /**
   * The guests of an address, whatever their status, but for those that were erased. `channelId`: only those of this channel, which
   * leaves out external users. Reads every guest of the connection. Rejects with `invalid_input`.
   */
  find(whose: PersonKey, context?: Context): Promise<readonly GuestView[]>
  /** Everything that the store holds about the person of an address, as JSON without any token. Rejects with `invalid_input`. */
  export(whose: PersonKey, context?: Context): Promise<PersonExport>
  /** Lets the address have another session on the channel. Rejects with `invalid_input`. */
  invalidate(whose: DuplicateKey, context?: Context): Promise<Invalidation>
}

export interface GuestRecordsParts {
  readonly connection: string
  /** Default: its own. */
  readonly locate?: Locate
}

interface RecordsPorts {
  readonly store: Store
  readonly random: Random
  /** Measures the patience of callers. Default: the system's. */
  readonly clock?: Clock
}

const partsKind = record<GuestRecordsParts>({ connection: needed(connectionName), locate: call('Leave it out.') })
const portsKind = record<RecordsPorts>(
  { store: kinds.store('commit', 'find', 'list', 'document'), random: needed(kinds.random), clock: kinds.clock },
  { open: true },
)

/** What can be done with the guests of a connection by its name. Throws `config_invalid` for wrong options. */
export function guestRecords(parts: GuestRecordsParts, ports: RecordsPorts): GuestRecords {
  checkOptions('guestRecords', ['parts', parts, partsKind], ['ports', ports, portsKind])
  return createGuestRecords({ ...parts, connection: checkedConnection(parts.connection) }, ports)
}

/** The same for a name that was checked. */
export function createGuestRecords(
  { connection, locate: find }: GuestRecordsParts,
  { store, random, clock = systemClock() }: RecordsPorts,
): GuestRecords {
  const located = find ?? locate(connection, store)
  const known = async (guestId: string, { api, signal }: GuestContext = {}): Promise<Located> => {
    signal?.throwIfAborted()
    return located(parseGuestId(guestId), api)
  }

  const pseudonym = createPseudonyms(connection, { store, random })
  const about = ({ subject }: { readonly subject: string }, context: Context = {}): About =>
    aboutOf({ connection, subject }, context, random)

  const erasing = createEraser(connection, { store, random, pseudonym })
  const people = createPersonRecords(connection, { store, random, pseudonym, eraser: erasing })

  async function list({
    after,
    limit = 100,
  }: {
    readonly after?: string
    readonly limit?: number
  } = {}): ReturnType<GuestRecords['list']> {
    const page = await store.list(connection, { kind: 'guest', limit, ...(after === undefined ? {} : { after }) })
    return { guests: page.credentials.map(viewOf), ...(page.next === undefined ? {} : { next: page.next }) }
  }

  async function revoke(guestId: string, context: GuestContext): Promise<Revocation> {
    for (;;) {
      const { credential, now } = await known(guestId, context)
      const answer = revocationOf(credential, now)
      if (hasEnded(credential)) return answer
      const change = { connection, ...revocationChange(credential, about(credential, context), now, { random }) }
      if ((await store.commit(change)) === 'done') return answer
    }
  }

  async function invalidate(whose: DuplicateKey, context: Context): Promise<Invalidation> {
    const key = await pseudonym(parseDuplicateKey(whose))
    for (;;) {
      const { value, revision } = await store.document(connection, DUPLICATE, key)
      const reservation = reservationOf(value)
      if (!reservation || reservation.state === 'free') return { freed: false }
      const former = reservedGuest(reservation)
      const { credential, now } = await store.find(connection, former ?? key)
      const invalidated = guestInvalidated(about({ subject: credential?.subject ?? random.uuid() }, context), {
        id: random.uuid(),
        at: now,
        generation: credential?.generation ?? 0,
        state: reservation.state,
      })
      const free: Reservation | undefined = former === undefined ? undefined : { state: 'free', former }
      const write = {
        kind: DUPLICATE,
        id: key,
        expect: { revision },
        ...(free ? { value: { ...free }, expiresAt: now + REMEMBERED } : {}),
      }
      if ((await store.commit({ connection, documents: [write], events: [invalidated] })) === 'done') {
        return { freed: true, ...(credential === undefined ? {} : { guestId: guestIdOf(credential) }) }
      }
    }
  }

  function erase(guestId: string, context?: GuestContext): Promise<Erasure>
  function erase(whose: PersonKey, context?: Context): Promise<PersonErasure>
  function erase(whom: string | PersonKey, context?: GuestContext): Promise<Erasure | PersonErasure> {
    return waited<Erasure | PersonErasure, GuestContext>(context, async (own) =>
      isPersonKey(whom) ? people.erase(whom, own) : erasing.erase(() => known(whom, own), own),
    )
  }

  /** Work as long as its caller waits for it; what was stored stays stored. */
  const waited = async <T, C extends Context>(context: C | undefined, work: (own: C) => Promise<T>): Promise<T> =>
    callerWait((signal) => work({ ...(context as C), signal }), context ?? {}, WAIT, clock)

  return {
    show: (guestId, context) => waited(context, async (own) => viewOf((await known(guestId, own)).credential)),
    list: (page, context) => waited(context, async () => list(page)),
    revoke: (guestId, context) => waited(context, async (own) => revoke(guestId, own)),
    erase,
    find: (whose, context) => waited(context, async (own) => people.find(whose, own)),
    export: (whose, context) => waited(context, async (own) => people.export(whose, own)),
    invalidate: (whose, context) => waited(context, async (own) => invalidate(whose, own)),
  }
}

const WAIT = {
  what: 'The call of the store',
  then: 'Ask again, or allow it more time.',
  mostMs: Number.POSITIVE_INFINITY,
}

/** How long a session that was given up may be taken over: refresh tokens die after 30 days without use. */
const REMEMBERED: Millis = 30 * DAY

/** Whether an address is given, and not the id of a guest. */
const isPersonKey = (whom: unknown): whom is PersonKey => typeof whom === 'object' && whom !== null
