import { createTryLog, type TriesData } from '../../domain/events/tries.ts'
import { documentKind } from '../../domain/document-kinds.ts'
import { uncancellable } from '../../domain/context.ts'
import { Superseded } from '../../domain/superseded.ts'
import type { Instant } from '../../domain/time.ts'
import { asGuestpassError, type GuestpassError } from '../../domain/errors.ts'
import type { Store } from '../../ports/store.ts'
import type { Lease } from '../../tokens/renewal/lease.ts'
import type { CreatedGuest } from '../../upstream/created-guest.ts'
import { type LedgerEntry, isCurrent } from './create-ledger.ts'
import type { ApplicantApi } from './applicant-api.ts'
import { reservationOf } from './guest-reservation.ts'

/**
 * The outcome of sending a create. `superseded`: another process took the reservation, and nothing was sent.
 */
export type SendResult =
  | {
      readonly end: 'answered'
      readonly created: CreatedGuest
      readonly sentAt: Instant
      readonly revision: number
      readonly tries: TriesData
    }
  | { readonly end: 'failed'; readonly error: GuestpassError }
  | { readonly end: 'superseded' }

/**
 * Sends a create once. Before each try it reads whether the reservation is still that of this create: a
 * process that was paused for longer than its lease sends nothing.
 */
export async function sendCreate(
  api: ApplicantApi,
  entry: LedgerEntry,
  lease: Lease,
  of: { readonly connection: string; readonly store: Pick<Store, 'document'> },
): Promise<SendResult> {
  const { attempt, requestId, now } = entry
  let seen = entry.revision
  let sentAt = now()
  const tries = createTryLog()
  const hooks = {
    onFailedTry: tries.onFailedTry,
    async beforeTry() {
      if (!lease.isHeld()) await lease.confirm()
      const { value, revision } = await of.store.document(of.connection, documentKind.reservation, attempt.key)
      if (!isCurrent(reservationOf(value), entry)) throw new Superseded()
      seen = revision
    },
    onSend() {
      // The lease is lost also if it expired and was granted again since the read.
      if (!lease.isHeld()) throw new Superseded()
      sentAt = now()
    },
  }
  try {
    const created = await api.create(attempt.applicant, requestId, hooks, uncancellable(attempt.context).patienceMs)
    return { end: 'answered', created, sentAt, revision: seen, tries: tries.data() }
  } catch (thrown) {
    return thrown instanceof Superseded ? { end: 'superseded' } : { end: 'failed', error: asGuestpassError(thrown) }
  }
}
