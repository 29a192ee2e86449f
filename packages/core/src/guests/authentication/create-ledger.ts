import { documentKind } from '../../domain/document-kinds.ts'
import type { GuestCredential } from '../../domain/credential.ts'
import type { Event } from '../../domain/events/event.ts'
import {
  guestAuthenticationFailed,
  type guestCreateFailed,
  type guestCreateInDoubt,
  guestCreateStarted,
  guestOrphaned,
} from '../../domain/events/guest-creates.ts'
import type { Instant } from '../../domain/time.ts'
import type { GuestpassError } from '../../domain/errors.ts'
import type { Meter } from '../../ports/meter.ts'
import type { Change, DocumentWrite, Store } from '../../ports/store.ts'
import { commitUntilStored, type SavingPorts } from '../../tokens/renewal/commit-until-stored.ts'
import type { RenewalPorts } from '../../tokens/renewal/renewal.ts'
import type { Attempt, AttemptEvent } from './attempt.ts'
import { type CreateDecision, type FormerGuest, type Reservation, reservationOf } from './guest-reservation.ts'
import { guestIds, redactIds } from '../events/redact-ids.ts'

/** The reservation that was read, and the decision to create. */
export interface CreatePlan {
  readonly reservation: Reservation | undefined
  readonly revision: number
  /** The guest that the reservation names, as it was found. */
  readonly guest: GuestCredential | undefined
  /** That of its row as it was found; 0 if there is none. */
  readonly guestRevision: number
  readonly now: () => Instant
  readonly decision: CreateDecision
}

/** A create that is stored before it is sent. */
export interface LedgerEntry extends CreatePlan {
  readonly attempt: Attempt
  readonly requestId: string
  /** The random id of the guest in events. */
  readonly subject: string
  /** The events of the attempt that are stored. */
  readonly trail: readonly Event[]
}

/** The outcome of a create that made no guest. */
export interface CreateFailure {
  readonly error: GuestpassError
  /** The reservation from now on. Undefined: none. */
  readonly next: Reservation | undefined
  /** The events to record besides the failed authentication. */
  readonly events: readonly (typeof guestCreateInDoubt | typeof guestCreateFailed | typeof guestOrphaned)[]
  /** The guest id in the answer, if one came. */
  readonly guestId?: string | undefined
}

/** What creates are recorded with. */
export interface CreateLedgerParts {
  readonly connection: string
  readonly eventOf: AttemptEvent
  readonly meter: Meter
  readonly ports: Pick<RenewalPorts, 'random' | 'holder'> &
    SavingPorts & { readonly store: Pick<Store, 'document' | 'commit'> }
}

/** Stores that a create is about to be sent. Undefined: another process wrote first. */
export async function writeEntry(
  parts: CreateLedgerParts,
  attempt: Attempt,
  plan: CreatePlan,
): Promise<LedgerEntry | undefined> {
  const { connection, eventOf, ports } = parts
  const { decision, now, revision, reservation } = plan
  const [requestId, subject] = [ports.random.uuid(), ports.random.uuid()]
  const [about, facts] = eventOf(attempt, subject, now())
  const started = guestCreateStarted(about, { ...facts, requestId, resumes: decision.resumes })
  const events = [...(decision.orphans ? [orphanedEvent(parts, attempt, reservation, now())] : []), started]
  const creation: Reservation = { state: 'creating', requestId, holder: ports.holder, ...formerGuest(decision) }
  const documents = [reservationWrite(attempt, creation, revision)]
  const outcome = await ports.store.commit({ connection, documents, events })
  return outcome === 'done' ? { ...plan, attempt, requestId, subject, trail: [started] } : undefined
}

/** The event of a guest that a lost answer may have made, and that no process will use. */
function orphanedEvent(
  { eventOf, ports }: CreateLedgerParts,
  attempt: Attempt,
  reservation: Reservation | undefined,
  at: Instant,
): Event {
  const requestId = reservation && 'requestId' in reservation ? reservation.requestId : undefined
  const [about, facts] = eventOf(attempt, ports.random.uuid(), at)
  return guestOrphaned(about, { ...facts, requestId, latencyMs: attempt.elapsed() })
}

/** Whether the reservation is still that of this create. If not, another process has made a later one. */
export const isCurrent = (reservation: Reservation | undefined, { requestId }: LedgerEntry): boolean =>
  reservation?.state === 'creating' && reservation.requestId === requestId

/** What to store at the end of a create. */
interface Settlement {
  /** The reservation from now on. Undefined: none. */
  readonly next: Reservation | undefined
  /** Written together with it. */
  readonly change: Omit<Change, 'connection'>
  /** The revision of the reservation, where it is known. */
  readonly revision?: number | undefined
  /**
   * Whether tokens came. They may overwrite an in-doubt reservation of another create, never a live guest.
   */
  readonly hasTokens?: true
}

/**
 * Stores the outcome of a create. `taken`: the reservation belongs to another process now. `conflict`:
 * another row of the change was written meanwhile.
 */
export async function settle(
  { connection, ports }: CreateLedgerParts,
  entry: LedgerEntry,
  { next, change: { documents = [], ...rest }, revision, hasTokens }: Settlement,
): Promise<'done' | 'taken' | 'conflict'> {
  const { attempt } = entry
  for (let expected = revision; ; ) {
    if (expected !== undefined) {
      const write = reservationWrite(attempt, next, expected)
      const change = { connection, ...rest, documents: [write, ...documents] }
      // Tokens that came are given only once: a store that is full is asked until it has room.
      const outcome = await (hasTokens ? commitUntilStored(ports, change, 'guest') : ports.store.commit(change))
      if (outcome === 'done') return 'done'
    }
    const found = await ports.store.document(connection, documentKind.reservation, attempt.key)
    const reservation = reservationOf(found.value)
    if (!isCurrent(reservation, entry) && !(hasTokens && reservation?.state !== 'live')) return 'taken'
    if (found.revision === expected) return 'conflict'
    expected = found.revision
  }
}

/**
 * Records an authentication that failed before its create was recorded; counted. `subject` represents the
 * guest in the event.
 */
export async function recordRefusal(
  { connection, eventOf, meter, ports }: CreateLedgerParts,
  attempt: Attempt,
  subject: string,
  at: Instant,
  error: GuestpassError,
): Promise<void> {
  meter.count('guest_authentication_failed')
  const [about, facts] = eventOf(attempt, subject, at)
  const refused = guestAuthenticationFailed(about, { ...facts, latencyMs: attempt.elapsed(), error })
  await ports.store.commit({ connection, events: [refused] })
}

/** Records that a create failed, and gives the error to throw. */
export async function settleFailure(
  parts: CreateLedgerParts,
  entry: LedgerEntry,
  { error, next, events: failureEvents, guestId }: CreateFailure,
): Promise<GuestpassError> {
  const { connection, eventOf, meter, ports } = parts
  meter.count('guest_authentication_failed')
  const { subject, now, attempt, requestId, guest } = entry
  const shown = redactIds(error, subject, [guestId, ...(guest ? guestIds(guest) : [])])
  const events = [...failureEvents, guestAuthenticationFailed].map((event) => {
    const [about, facts] = eventOf(attempt, subject, now())
    return event(about, { ...facts, requestId, latencyMs: attempt.elapsed(), error: shown })
  })
  if ((await settle(parts, entry, { next, change: { events } })) !== 'done')
    await ports.store.commit({ connection, events })
  return error
}

/** Withdraws the entry of a create that was not sent, unless the reservation was written since. */
export async function withdrawEntry({ connection, ports }: CreateLedgerParts, entry: LedgerEntry): Promise<undefined> {
  const { value, revision } = await ports.store.document(connection, documentKind.reservation, entry.attempt.key)
  if (!isCurrent(reservationOf(value), entry)) return undefined
  await ports.store.commit({
    connection,
    documents: [reservationWrite(entry.attempt, reservationIfUnsent(entry), revision)],
  })
  return undefined
}

const reservationWrite = ({ key }: Attempt, reservation: Reservation | undefined, revision: number): DocumentWrite => ({
  kind: documentKind.reservation,
  id: key,
  expect: { revision },
  ...(reservation ? { value: { ...reservation } } : {}),
})

/** The former guest, as the next reservation names it. */
export const formerGuest = ({ former, replaces = false }: FormerGuest): FormerGuest =>
  former === undefined ? {} : { former, ...(replaces ? { replaces } : {}) }

/** The reservation from before an entry of which nothing was sent. */
function reservationIfUnsent({ reservation, decision }: LedgerEntry): Reservation | undefined {
  if (decision.orphans) return withoutDoubt(decision)
  if (!decision.resumes || !reservation || !('requestId' in reservation)) return reservation
  return { state: 'in_doubt', requestId: reservation.requestId, ...formerGuest(decision) }
}

/** The reservation after the upstream refused a create or could not be reached. */
export function reservationAfterRefusal(entry: LedgerEntry, error: GuestpassError): Reservation | undefined {
  // A transient failure does not settle an earlier create that is in doubt.
  return !entry.decision.resumes || error.retryable ? reservationIfUnsent(entry) : withoutDoubt(entry.decision)
}

/** The former guest alone, where there is one. */
function withoutDoubt({ former, replaces }: FormerGuest): Reservation | undefined {
  if (former === undefined) return undefined
  return replaces ? { state: 'live', guestId: former } : { state: 'free', former }
}
