import { guestIn, type GuestWithTokens } from '../../domain/credential.ts'
import { guestCreateFailed, guestOrphaned } from '../../domain/events/guest-creates.ts'
import { isOwnedBy } from '../../domain/guest-owner.ts'
import { hasEnded } from '../../domain/plan.ts'
import { asGuestpassError, causedBy, GuestpassError } from '../../domain/errors.ts'
import { authenticated } from './attempt.ts'
import { hasToken, withRequestProfile } from './guest-profile.ts'
import { type LedgerEntry, settleFailure, formerGuest, settle, reservationAfterRefusal } from './create-ledger.ts'
import type { Creation } from './creation.ts'

/**
 * Recovers the session that the upstream has for the address and channel, by the stored refresh token, if the
 * address is verified. Undefined: read again.
 *
 * Rejects with `session_exists`, or with `guest_orphaned` if this connection should have the session.
 */
export async function recoverSession(
  creation: Creation,
  conflict: GuestpassError,
): Promise<GuestWithTokens | undefined> {
  const { entry } = creation
  const isSure = entry.attempt.applicant.assurance === 'verified'
  const renewed = isSure && entry.decision.former !== undefined ? await renewFormer(creation, entry) : undefined
  if (renewed) return storeRecovered(creation, renewed.id)
  throw await notRecovered(creation, conflict)
}

/** Renews the former guest. Undefined: it cannot be renewed. */
async function renewFormer({ parts }: Creation, entry: LedgerEntry): Promise<GuestWithTokens | undefined> {
  const { connection, ports, sessions } = parts
  const { former = '', replaces } = entry.decision
  const guest = guestIn(await ports.store.find(connection, former))
  const { owner } = entry.attempt.context
  if (!guest?.tokens?.refresh || hasEnded(guest) || !isOwnedBy(guest, owner)) return undefined
  // The replacement ends all tokens that were issued before.
  if (replaces) await ports.store.commit({ connection, deny: [former] })
  try {
    return (await sessions.current(former, { newerThan: guest.generation }, entry.attempt.context)).credential
  } catch (thrown) {
    const error = asGuestpassError(thrown)
    if (!error.retryable) return undefined
    throw await settleFailure(parts, entry, {
      error,
      next: reservationAfterRefusal(entry, error),
      events: [guestCreateFailed],
    })
  }
}

/** Stores what this request adds, and settles its entry. Undefined: another process took the reservation. */
async function storeRecovered(
  { parts, api, entry, crmLookup }: Creation,
  guestId: string,
): Promise<GuestWithTokens | undefined> {
  const { connection, ports, eventOf } = parts
  const lookup = await crmLookup
  for (;;) {
    const found = await ports.store.find(connection, guestId)
    const guest = guestIn(found)
    if (!hasToken(guest)) return undefined
    const next = withRequestProfile(guest, entry.attempt, entry.now(), lookup)
    const result = { recovered: true, crm: lookup.outcome } as const
    const done = authenticated(eventOf, entry.attempt, entry, next, { result })
    const change = {
      writes: [{ credential: next, expect: { generation: next.generation, revision: found.revision } }],
      documents: api.enrichment ? [await api.enrichment.pendingWrite(guestId, lookup)] : [],
      events: [done],
    }
    const settled = await settle(parts, entry, { next: { state: 'live', guestId }, change, hasTokens: true })
    if (settled === 'taken') return undefined
    if (settled === 'conflict') continue
    api.enrichment?.start(guestId)
    return next
  }
}

/** Stores that the session upstream cannot be recovered, and gives the error to throw. */
function notRecovered({ parts, entry }: Creation, conflict: GuestpassError): Promise<GuestpassError> {
  const { attempt, decision, reservation } = entry
  const wasOrphaned = reservation?.state === 'orphaned'
  const isSure = attempt.applicant.assurance === 'verified' && attempt.onDuplicate !== 'reject'
  if (!decision.resumes && !wasOrphaned && !isSure) {
    const error = sessionExistsError(conflict)
    return settleFailure(parts, entry, {
      error,
      next: reservationAfterRefusal(entry, error),
      events: [guestCreateFailed],
    })
  }
  return settleFailure(parts, entry, {
    error: orphanedError(conflict),
    next: { state: 'orphaned', ...formerGuest(decision) },
    events: wasOrphaned ? [] : [guestOrphaned],
  })
}

const sessionExistsError = (conflict: GuestpassError): GuestpassError =>
  new GuestpassError(
    'session_exists',
    `${conflict.message} Wait until the session expires upstream. A request with a verified address can reuse it.`,
    causedBy(conflict),
  )

const orphanedError = (conflict: GuestpassError): GuestpassError =>
  new GuestpassError(
    'guest_orphaned',
    `The upstream has a session for this address and channel, and no usable refresh token of it is stored here. Wait until the session expires upstream, or ask the operator of the upstream to end it. Then ask again. (${conflict.message})`,
    causedBy(conflict),
  )
