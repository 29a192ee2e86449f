import { hasEnded } from '../../domain/plan.ts'
import { asGuestpassError, causedBy, GuestpassError } from '../../domain/errors.ts'
import type { Live } from '../../tokens/renewal/renewal.ts'
import { authenticated } from './attempt.ts'
import { hasToken, withBrought } from './brought.ts'
import { type Claim, fail, formerOf, settle, slotBefore } from './create-ledger.ts'
import type { Creating } from './creating.ts'

/**
 * Upstream has a session for the address and channel: taken over by the refresh token that is stored, if there is one and the address
 * is verified. Rejects with `session_exists`, or with `guest_orphaned` where the session should be ours. Undefined: look again.
 */
export async function takeover(creating: Creating, conflict: GuestpassError): Promise<Live | undefined> {
  const { claim } = creating
  const isSure = claim.attempt.person.assurance === 'verified'
  const renewed = isSure && claim.decision.former !== undefined ? await renewedFormer(creating, claim) : undefined
  if (renewed) return kept(creating, renewed.id)
  throw await refused(creating, conflict)
}

/** The next tokens of the session of before; undefined when they cannot be had. */
async function renewedFormer({ parts }: Creating, claim: Claim): Promise<Live | undefined> {
  const { connection, ports, sessions } = parts
  const { former = '', replaces } = claim.decision
  const { credential } = await ports.store.find(connection, former)
  if (!credential?.tokens?.refresh || hasEnded(credential)) return undefined
  // All tokens that were handed out before end with the replacement.
  if (replaces) await ports.store.commit({ connection, deny: [former] })
  try {
    return (await sessions.current(former, { newerThan: credential.generation }, claim.attempt.context)).credential
  } catch (thrown) {
    const error = asGuestpassError(thrown)
    if (!error.retryable) return undefined
    throw await fail(parts, claim, { error, next: slotBefore(claim, error), types: ['GUEST_CREATE_FAILED'] })
  }
}

/** Stores what this request brings together with the end of its key; undefined when another process has taken the key over. */
async function kept({ parts, api, claim, asked }: Creating, guestId: string): Promise<Live | undefined> {
  const { connection, ports, wording } = parts
  const lookup = await asked
  for (;;) {
    const { credential, revision } = await ports.store.find(connection, guestId)
    if (!hasToken(credential)) return undefined
    const next = withBrought(credential, claim.attempt.person, claim.now(), lookup)
    const done = authenticated(wording, claim.attempt, claim, next, { told: { recovered: true, crm: lookup.outcome } })
    const change = {
      writes: [{ credential: next, expect: { generation: next.generation, revision } }],
      documents: api.enrichment ? [await api.enrichment.pending(guestId, lookup)] : [],
      events: [done],
    }
    const settled = await settle(parts, claim, { next: { state: 'live', guestId }, change, hasTokens: true })
    if (settled === 'taken') return undefined
    if (settled === 'conflict') continue
    api.enrichment?.begin(guestId)
    return next
  }
}

/** The end of a request whose session upstream has and that cannot be taken over here. */
function refused({ parts, claim }: Creating, conflict: GuestpassError): Promise<GuestpassError> {
  const { attempt, decision, slot } = claim
  const wasOrphaned = slot?.state === 'orphaned'
  const isSure = attempt.person.assurance === 'verified' && attempt.onDuplicate !== 'reject'
  if (!decision.resumes && !wasOrphaned && !isSure) {
    const error = duplicate(conflict)
    return fail(parts, claim, { error, next: slotBefore(claim, error), types: ['GUEST_CREATE_FAILED'] })
  }
  return fail(parts, claim, {
    error: orphaned(conflict),
    next: { state: 'orphaned', ...formerOf(decision) },
    types: wasOrphaned ? [] : ['GUEST_ORPHANED'],
  })
}

const duplicate = (conflict: GuestpassError): GuestpassError =>
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
