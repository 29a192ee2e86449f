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
import {
  type CreateDecision,
  DUPLICATE,
  type FormerGuest,
  type Reservation,
  reservationOf,
} from './guest-reservation.ts'
import { guestIds, redactIds } from '../events/redact-ids.ts'

/** What was found under the key, and what is to be done. */
export interface CreatePlan {
  readonly reservation: Reservation | undefined
  readonly revision: number
  /** The guest that the reservation names, as it was found. */
  readonly guest: GuestCredential | undefined
  readonly now: () => Instant
  readonly decision: CreateDecision
}

/** A create that is written down. */
export interface LedgerEntry extends CreatePlan {
  readonly attempt: Attempt
  readonly requestId: string
  /** Stands for the guest in events. */
  readonly subject: string
  /** The events of the attempt that are stored. */
  readonly trail: readonly Event[]
}

/** How a create that brought no guest ends. */
export interface CreateFailure {
  readonly error: GuestpassError
  /** What stands under the key from now on. */
  readonly next: Reservation | undefined
  /** Makes the events that say so, besides that of the failed authentication. */
  readonly events: readonly (typeof guestCreateInDoubt | typeof guestCreateFailed | typeof guestOrphaned)[]
  /** Known from the answer. */
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

/** Writes down that a create is about to be sent; undefined when another process wrote first. */
export async function writeEntry(
  parts: CreateLedgerParts,
  attempt: Attempt,
  plan: CreatePlan,
): Promise<LedgerEntry | undefined> {
  const { connection, eventOf, ports } = parts
  const { decision, now, revision, reservation } = plan
  const [requestId, subject] = [ports.random.uuid(), ports.random.uuid()]
  const [about, facts] = eventOf(attempt, subject, now())
  const begun = guestCreateStarted(about, { ...facts, requestId, resumes: decision.resumes })
  const events = [...(decision.orphans ? [orphaned(parts, attempt, reservation, now())] : []), begun]
  const creation: Reservation = { state: 'creating', requestId, holder: ports.holder, ...formerGuest(decision) }
  const documents = [reservationWrite(attempt, creation, revision)]
  const outcome = await ports.store.commit({ connection, documents, events })
  return outcome === 'done' ? { ...plan, attempt, requestId, subject, trail: [begun] } : undefined
}

/** The guest that a lost answer may have made, and that the request gives up. */
function orphaned(
  { eventOf, ports }: CreateLedgerParts,
  attempt: Attempt,
  reservation: Reservation | undefined,
  at: Instant,
): Event {
  const requestId = reservation && 'requestId' in reservation ? reservation.requestId : undefined
  const [about, facts] = eventOf(attempt, ports.random.uuid(), at)
  return guestOrphaned(about, { ...facts, requestId, latencyMs: attempt.elapsed() })
}

/** Whether the create of a entry is still the one that is written down; else another process has taken the key over. */
export const isCurrent = (reservation: Reservation | undefined, { requestId }: LedgerEntry): boolean =>
  reservation?.state === 'creating' && reservation.requestId === requestId

/** How a create ends under its key. */
export interface Settlement {
  /** What stands under the key from now on. */
  readonly next: Reservation | undefined
  /** Written together with it. */
  readonly change: Omit<Change, 'connection'>
  /** The revision of the reservation, where it is known. */
  readonly revision?: number | undefined
  /** Whether there are tokens: they count for more than the doubt of another create, not more than its guest. */
  readonly hasTokens?: true
}

/**
 * Writes what became of a create. `taken`: another process has taken the key over. `conflict`: the rest of the change does not fit what
 * is stored.
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
    const found = await ports.store.document(connection, DUPLICATE, attempt.key)
    const reservation = reservationOf(found.value)
    if (!isCurrent(reservation, entry) && !(hasTokens && reservation?.state !== 'live')) return 'taken'
    if (found.revision === expected) return 'conflict'
    expected = found.revision
  }
}

/** Records an authentication that failed before its create was recorded; counted. `subject` represents the guest in the event. */
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
  { error, next, events: made, guestId }: CreateFailure,
): Promise<GuestpassError> {
  const { connection, eventOf, meter, ports } = parts
  meter.count('guest_authentication_failed')
  const { subject, now, attempt, requestId, guest } = entry
  const shown = redactIds(error, subject, [guestId, ...(guest ? guestIds(guest) : [])])
  const events = [...made, guestAuthenticationFailed].map((event) => {
    const [about, facts] = eventOf(attempt, subject, now())
    return event(about, { ...facts, requestId, latencyMs: attempt.elapsed(), error: shown })
  })
  if ((await settle(parts, entry, { next, change: { events } })) !== 'done')
    await ports.store.commit({ connection, events })
  return error
}

/** Takes back what was written down of a create that was not sent, if nothing has been written since. */
export async function withdrawEntry({ connection, ports }: CreateLedgerParts, entry: LedgerEntry): Promise<undefined> {
  const { value, revision } = await ports.store.document(connection, DUPLICATE, entry.attempt.key)
  if (!isCurrent(reservationOf(value), entry)) return undefined
  await ports.store.commit({
    connection,
    documents: [reservationWrite(entry.attempt, reservationIfUnsent(entry), revision)],
  })
  return undefined
}

const reservationWrite = ({ key }: Attempt, reservation: Reservation | undefined, revision: number): DocumentWrite => ({
  kind: DUPLICATE,
  id: key,
  expect: { revision },
  ...(reservation ? { value: { ...reservation } } : {}),
})

/** What the next who asks has to know of the guest of before. */
export const formerGuest = ({ former, replaces = false }: FormerGuest): FormerGuest =>
  former === undefined ? {} : { former, ...(replaces ? { replaces } : {}) }

/** What a entry goes back to when nothing of it was sent. */
function reservationIfUnsent({ reservation, decision }: LedgerEntry): Reservation | undefined {
  if (decision.orphans) return withoutDoubt(decision)
  if (!decision.resumes || !reservation || !('requestId' in reservation)) return reservation
  return { state: 'in_doubt', requestId: reservation.requestId, ...formerGuest(decision) }
}

/** What a entry goes back to when upstream refused, or could not be asked. */
export function reservationAfterRefusal(entry: LedgerEntry, error: GuestpassError): Reservation | undefined {
  // A failure that may pass says nothing of the create that was lost.
  return !entry.decision.resumes || error.retryable ? reservationIfUnsent(entry) : withoutDoubt(entry.decision)
}

/** The former guest alone, where there is one. */
function withoutDoubt({ former, replaces }: FormerGuest): Reservation | undefined {
  if (former === undefined) return undefined
  return replaces ? { state: 'live', guestId: former } : { state: 'free', former }
}
