import { guestIn, type GuestWithTokens } from '../../domain/credential.ts'
import { guestCreateFailed, guestOrphaned } from '../../domain/events/guest-creates.ts'
import { hasEnded } from '../../domain/plan.ts'
import { asGuestpassError, causedBy, GuestpassError } from '../../domain/errors.ts'
import { authenticated } from './attempt.ts'
import { hasToken, withRequestProfile } from './guest-profile.ts'
import { type LedgerEntry, settleFailure, formerGuest, settle, reservationAfterRefusal } from './create-ledger.ts'
import type { Creation } from './creation.ts'

/**
 * Upstream has a session for the address and channel: taken over by the refresh token that is stored, if there is one and the address
 * is verified. Rejects with `session_exists`, or with `guest_orphaned` where the session should be ours. Undefined: look again.
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

/** The next tokens of the session of before; undefined when they cannot be had. */
async function renewFormer({ parts }: Creation, entry: LedgerEntry): Promise<GuestWithTokens | undefined> {
  const { connection, ports, sessions } = parts
  const { former = '', replaces } = entry.decision
  const guest = guestIn(await ports.store.find(connection, former))
  if (!guest?.tokens?.refresh || hasEnded(guest)) return undefined
  // All tokens that were handed out before end with the replacement.
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

/** Stores what this request brings together with the end of its key; undefined when another process has taken the key over. */
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
    const next = withRequestProfile(guest, entry.attempt.applicant, entry.now(), lookup)
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

/** The end of a request whose session upstream has and that cannot be taken over here. */
function notRecovered({ parts, entry }: Creation, conflict: GuestpassError): Promise<GuestpassError> {
  const { attempt, decision, reservation } = entry
  const wasOrphaned = reservation?.state === 'orphaned'
  const isSure = attempt.applicant.assurance === 'verified' && attempt.onDuplicate !== 'reject'
  if (!decision.resumes && !wasOrphaned && !isSure) {
    const error = sessionExists(conflict)
    return settleFailure(parts, entry, {
      error,
      next: reservationAfterRefusal(entry, error),
      events: [guestCreateFailed],
    })
  }
  return settleFailure(parts, entry, {
    error: orphaned(conflict),
    next: { state: 'orphaned', ...formerGuest(decision) },
    events: wasOrphaned ? [] : [guestOrphaned],
  })
}

const sessionExists = (conflict: GuestpassError): GuestpassError =>
  new GuestpassError(
    'session_exists',
    `${conflict.message} Wait until it lapses upstream, or ask to take it over with an address that is verified.`,
    causedBy(conflict),
  )

const orphaned = (conflict: GuestpassError): GuestpassError =>
  new GuestpassError(
    'guest_orphaned',
    `Upstream has a session for this address and channel, and no refresh token of it can be used here: it cannot be taken over. Wait until it lapses upstream, or ask its operator to end it; then ask again. (${conflict.message})`,
    causedBy(conflict),
  )
