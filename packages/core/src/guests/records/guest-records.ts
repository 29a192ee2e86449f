import { checkedConnection, connectionName } from '../../domain/connection-name.ts'
import type { Context } from '../../domain/context.ts'
import { eventContext } from '../../domain/events/event-parts.ts'
import { checkOptions, required, object } from '../../domain/options.ts'
import { hasEnded } from '../../domain/plan.ts'
import type { Clock } from '../../ports/clock.ts'
import * as schemas from '../../ports/schemas.ts'
import type { Random } from '../../ports/random.ts'
import type { Store } from '../../ports/store.ts'
import { systemClock } from '../../ports/system.ts'
import { callerWait } from '../../tokens/renewal/caller-wait.ts'
import { createPseudonyms } from '../authentication/pseudonyms.ts'
import type { PersonKey } from '../requests/applicant-request.ts'
import type { GuestContext } from '../requests/guest-context.ts'
import { parseGuestId } from '../requests/guest-token-request.ts'
import { type Locate, type Located, createLocate } from '../requests/locate.ts'
import { revocationChange, revoked } from '../tokens/revocation.ts'
import {
  createEraser,
  type Eraser,
  type Erasure,
  type GuestToChange,
  type Revocation,
  revocationOf,
} from './erasure.ts'
import { type GuestListOptions, listGuests } from './guest-list.ts'
import { createRemovedGuests, type RemovedGuests } from '../requests/tombstones.ts'
import { type GuestView, viewOf } from './guest-view.ts'
import { type SessionOwner, type InvalidateParts, invalidateSession, type Invalidation } from './invalidate.ts'
import type { PersonExport } from './person-export.ts'
import { createPersonRecords, type PersonErasure, type PersonRecords } from './person-records.ts'

export type { SessionOwner, Invalidation } from './invalidate.ts'

/**
 * Reads, revokes and erases stored guests of a connection. No method calls the upstream. `context.signal` and
 * `context.patienceMs` end the caller's wait, with the signal's reason or `deadline_exceeded`; what was
 * stored stays stored.
 */
export interface GuestRecords {
  /** Gives what is known of a guest, without its token. Rejects with `invalid_input` or `guest_unknown`. */
  show(guestId: string, context?: GuestContext): Promise<GuestView>
  /**
   * Lists guests in the order of their ids in the store, a page at a time, all or those that match. `next` is
   * absent on the last page. A filter reads at most 10,000 guests for a page, which may then have fewer than
   * `limit`, or none, and a `next`.
   */
  list(
    options?: GuestListOptions,
    context?: Context,
  ): Promise<{ readonly guests: readonly GuestView[]; readonly next?: string }>
  /**
   * Ends a guest: the verifier denies every token that was issued for it, and no other is issued. A second
   * call changes nothing. Rejects with `invalid_input` or `guest_unknown`.
   */
  revoke(guestId: string, context?: GuestContext): Promise<Revocation>
  /**
   * Ends a guest and forgets the person: destroys the profile and its keys, and cancels work that is left.
   * Audit records of the guest then lead to no person. A second call changes nothing. Rejects with
   * `invalid_input` or `guest_unknown`.
   */
  erase(guestId: string, context?: GuestContext): Promise<Erasure>
  /**
   * Erases every guest of an address, at all APIs and on all channels; with `channelId` only those of that
   * channel. Rejects with `invalid_input`.
   */
  erase(whose: PersonKey, context?: Context): Promise<PersonErasure>
  /**
   * Finds the guests of an address, whatever their status, except erased ones. `channelId`: only those of
   * this channel, which leaves out guests of APIs without channels. Guests that an earlier version stored get
   * their index by the first call, which reads them. Rejects with `invalid_input`.
   */
  find(whose: PersonKey, context?: Context): Promise<readonly GuestView[]>
  /**
   * Gives everything that the store holds about the person of an address, as JSON without tokens. Rejects
   * with `invalid_input`.
   */
  export(whose: PersonKey, context?: Context): Promise<PersonExport>
  /**
   * Gives up the session of an address, so that the next request for the address makes another guest instead of
   * `session_exists`. Rejects with `invalid_input`.
   */
  invalidate(whose: SessionOwner, context?: Context): Promise<Invalidation>
}

interface RecordsPorts {
  readonly store: Store
  readonly random: Random
  /** Measures the patience of callers. Default: the system's. */
  readonly clock?: Clock
}

const partsSchema = object<{ readonly connection: string }>({ connection: required(connectionName) })
const portsSchema = object<RecordsPorts>(
  {
    store: schemas.store('commit', 'find', 'list', 'document', 'countDocuments'),
    random: required(schemas.random),
    clock: schemas.clock,
  },
  { open: true },
)

/**
 * Reads and changes the stored guests of a connection that is not open, without its options and without a call
 * to the upstream. If the connection is open, use its `guests`.
 *
 * `parts.connection` is the name of the connection. `ports.clock` measures `context.patienceMs`; default: the
 * system's clock.
 *
 * Throws `config_invalid`; `fields` then lists every wrong option.
 *
 * @example
 * ```ts
 * import { guestRecords, memoryStore } from '@guestpass/core'
 * import { nodePorts } from '@guestpass/core/node'
 *
 * const ports = { ...nodePorts(), store: memoryStore() }
 * const records = guestRecords({ connection: 'default' }, ports)
 * console.log(`${(await records.list({ limit: 10 })).guests.length} guests`)
 * await ports.close()
 * ```
 */
export function guestRecords(
  parts: { readonly connection: string },
  ports: { readonly store: Store; readonly random: Random; readonly clock?: Clock },
): GuestRecords {
  checkOptions('guestRecords', ['parts', parts, partsSchema], ['ports', ports, portsSchema])
  return createGuestRecords({ connection: checkedConnection(parts.connection) }, ports)
}

/** What the methods of the records share. */
interface RecordCalls extends InvalidateParts {
  readonly store: Store
  /** Finds removed guests, too. It writes nothing. */
  readonly locate: Locate
  readonly removed: RemovedGuests
  readonly eraser: Eraser
  readonly persons: PersonRecords
}

/** The same for a name that was checked. */
export function createGuestRecords(
  { connection }: { readonly connection: string },
  { store, random, clock = systemClock() }: RecordsPorts,
): GuestRecords {
  const pseudonyms = createPseudonyms(connection, { store, random })
  const pseudonym = pseudonyms.ofApplicant
  const eraser = createEraser(connection, { store, random, pseudonym })
  const persons = createPersonRecords({ connection, store, random, pseudonyms, eraser })
  const removed = createRemovedGuests(connection, { store, pseudonyms })
  const locate = createLocate(connection, removed.reader)
  const calls: RecordCalls = { connection, store, random, pseudonym, eraser, persons, locate, removed }

  /** Runs work as long as its caller waits for it; what was stored stays stored. */
  const waited = async <T, C extends Context>(context: C | undefined, work: (own: C) => Promise<T>): Promise<T> =>
    callerWait((signal) => work({ ...(context as C), signal }), context ?? {}, WAIT, clock)

  function erase(guestId: string, context?: GuestContext): Promise<Erasure>
  function erase(whose: PersonKey, context?: Context): Promise<PersonErasure>
  function erase(whom: string | PersonKey, context?: GuestContext): Promise<Erasure | PersonErasure> {
    return waited<Erasure | PersonErasure, GuestContext>(context, async (own) =>
      isPersonKey(whom) ? persons.erase(whom, own) : eraser.erase(() => toChange(calls, whom, own), own),
    )
  }

  return {
    show: (guestId, context) => waited(context, async (own) => show(calls, guestId, own)),
    list: (options = {}, context) =>
      waited(context, async ({ signal, owner }) => listGuests({ connection, store, clock, signal, owner }, options)),
    revoke: (guestId, context) => waited(context, async (own) => revoke(calls, guestId, own)),
    erase,
    find: (whose, context) => waited(context, async (own) => persons.find(whose, own)),
    export: (whose, context) => waited(context, async (own) => persons.export(whose, own)),
    invalidate: (whose, context) => waited(context, async (own) => invalidateSession(calls, whose, own)),
  }
}

async function located(calls: RecordCalls, guestId: string, { api, owner, signal }: GuestContext): Promise<Located> {
  signal?.throwIfAborted()
  return calls.locate(parseGuestId(guestId), { api, owner })
}

async function show(calls: RecordCalls, guestId: string, context: GuestContext): Promise<GuestView> {
  const { credential, revision } = await located(calls, guestId, context)
  const view = viewOf(credential)
  return revision > 0 ? view : { ...view, ...(await calls.removed.left(credential.id))?.facts }
}

/** Finds a guest to change: its row, or what is left of it. */
async function toChange(calls: RecordCalls, guestId: string, context: GuestContext): Promise<GuestToChange> {
  for (;;) {
    const found = await located(calls, guestId, context)
    if (found.revision > 0) return found
    const left = await calls.removed.left(found.credential.id)
    // Otherwise another process has issued a token for the guest since.
    if (left) return { ...found, credential: left.credential, left }
  }
}

async function revoke(calls: RecordCalls, guestId: string, context: GuestContext): Promise<Revocation> {
  const { connection, store, random } = calls
  for (;;) {
    const { credential, revision, now, left } = await toChange(calls, guestId, context)
    const answer = revocationOf(credential, now)
    if (hasEnded(credential)) return answer
    const about = eventContext({ connection, subject: credential.subject }, context, random)
    const change = revocationChange({ credential, revision }, about, now, { random })
    const ended = left ? { ...change, writes: [], documents: [left.ended(revoked(credential), now)] } : change
    if ((await store.commit({ connection, ...ended })) === 'done') return answer
  }
}

const WAIT = {
  what: 'The call of the store',
  then: 'Call again, or set a longer `patienceMs`.',
  mostMs: Number.POSITIVE_INFINITY,
}

/** Whether an address is given, and not the id of a guest. */
const isPersonKey = (whom: unknown): whom is PersonKey => typeof whom === 'object' && whom !== null
