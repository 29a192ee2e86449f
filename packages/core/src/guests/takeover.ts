import { hasEnded } from '../domain/plan.ts'
import { asGuestpassError, GuestpassError } from '../errors.ts'
import type { Live, RenewalPorts } from '../tokens/renewal.ts'
import { authenticated, type Wording } from './attempt.ts'
import { type Claim, type Claims, formerOf, slotBefore } from './claims.ts'
import type { Sessions } from './sessions.ts'

export interface TakeoverParts {
  readonly connection: string
  readonly sessions: Sessions
  readonly wording: Wording
  readonly claims: Claims
}

/**
 * Upstream has a session for the address and channel: taken over by the refresh token that is stored, if there is one and the address
 * is verified. Rejects with `session_exists`, or with `guest_orphaned` where the session should be ours. Undefined: look again.
 */
export type Takeover = (claim: Claim, conflict: GuestpassError) => Promise<Live | undefined>

export function takeover({ connection, sessions, wording, claims }: TakeoverParts, ports: RenewalPorts): Takeover {
  const { store } = ports

  /** The next tokens of the session of before; undefined when they cannot be had. */
  async function renewed(claim: Claim, former: string): Promise<Live | undefined> {
    const { credential } = await store.find(connection, former)
    if (!credential?.tokens?.refresh || hasEnded(credential)) return undefined
    // What was handed out before ends with the replacement, whoever has it.
    if (claim.decision.replaces) await store.commit({ connection, deny: [former] })
    try {
      return (await sessions.current(former, { newerThan: credential.generation })).credential
    } catch (thrown) {
      const error = asGuestpassError(thrown)
      if (!error.retryable) return undefined
      throw await claims.fail(claim, { error, next: slotBefore(claim, error), types: ['GUEST_CREATE_FAILED'] })
    }
  }

  return async (claim, conflict) => {
    const { former, resumes } = claim.decision
    const { person, onDuplicate } = claim.attempt
    const isSure = person.assurance === 'verified'
    const guest = isSure && former !== undefined ? await renewed(claim, former) : undefined
    if (guest) {
      const done = authenticated(wording, claim.attempt, claim, guest, { told: { recovered: true } })
      const kept = await claims.settle(claim, { state: 'live', guestId: guest.id }, async () => ({ events: [done] }))
      return kept ? guest : undefined
    }
    const wasOrphaned = claim.slot?.state === 'orphaned'
    const isOurs = resumes || wasOrphaned || (isSure && onDuplicate !== 'reject')
    const error = isOurs ? orphaned(conflict) : duplicate(conflict)
    throw await claims.fail(
      claim,
      isOurs
        ? {
            error,
            next: { state: 'orphaned', ...formerOf(claim.decision) },
            types: wasOrphaned ? [] : ['GUEST_ORPHANED'],
          }
        : { error, next: slotBefore(claim, error), types: ['GUEST_CREATE_FAILED'] },
    )
  }
}

const factsOf = (cause: GuestpassError) => ({ cause, ...(cause.upstream ? { upstream: cause.upstream } : {}) })

const duplicate = (conflict: GuestpassError): GuestpassError =>
  new GuestpassError(
    'session_exists',
    `${conflict.message} Wait until it lapses upstream, or ask to take it over with an address that is verified.`,
    factsOf(conflict),
  )

const orphaned = (conflict: GuestpassError): GuestpassError =>
  new GuestpassError(
    'guest_orphaned',
    `Upstream has a session for this address and channel, and no refresh token of it can be used here: it cannot be taken over. Wait until it lapses upstream, or ask its operator to end it; then ask again. (${conflict.message})`,
    factsOf(conflict),
  )
