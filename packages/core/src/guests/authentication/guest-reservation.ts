import type { Assurance, GuestCredential } from '../../domain/credential.ts'
import type { Json } from '../../domain/json.ts'
import { hasEnded } from '../../domain/plan.ts'
import { type Instant, type Millis, MINUTE, NEVER } from '../../domain/time.ts'
import type { OnDoubt, OnDuplicate } from '../../upstream/applicant-fields.ts'

/** How long after its token a session counts as live: the token may be renewed that long. */
const RENEWABLE: Millis = 5 * MINUTE

/**
 * The former guest, whose refresh token may recover the session upstream. `replaces`: a new guest revokes it.
 */
export interface FormerGuest {
  readonly former?: string
  readonly replaces?: boolean
}

/**
 * The reservation of an address and channel. `creating`: a create was about to be sent. `live`: the guest is
 * known. `in_doubt`: the answer to a create was lost. `orphaned`: the upstream has a session that is not
 * stored here. `free`: given up.
 */
export type Reservation =
  | (FormerGuest & { readonly state: 'creating'; readonly requestId: string; readonly holder: string })
  | (FormerGuest & { readonly state: 'in_doubt'; readonly requestId: string })
  | (FormerGuest & { readonly state: 'orphaned' })
  | { readonly state: 'live'; readonly guestId: string }
  | { readonly state: 'free'; readonly former: string }

/** A reservation as it is stored, sealed. */
export const reservationOf = (value: Json | undefined): Reservation | undefined => value as Reservation | undefined

/** What to do for an applicant. */
export type Decision =
  /** Give the guest's token. */
  | { readonly do: 'reuse'; readonly guestId: string }
  /** Refuse: the applicant has a session, and the request may not have it. */
  | { readonly do: 'refuse'; readonly guestId: string }
  /** Refuse: the upstream may have made a guest, cannot say so, and the request wants no second one. */
  | { readonly do: 'doubt' }
  | CreateDecision

/**
 * Create a guest. `resumes`: the upstream may have made one and would say so. `orphans`: the upstream may
 * have made one that no process will use.
 */
export type CreateDecision = FormerGuest & {
  readonly do: 'create'
  readonly resumes: boolean
  readonly orphans?: boolean
}

/** What a decision depends on, besides what is stored. */
interface DecisionInput {
  readonly assurance: Assurance
  readonly onDuplicate: OnDuplicate
  readonly onDoubt: OnDoubt
  /** Whether the upstream refuses a second guest for the same applicant. */
  readonly conflicts: boolean
  /** The issuer's time, by which a token's own `exp` is judged. Default: the store's. */
  readonly issuerNow?: Instant
}

/** The guest that a reservation names. */
export const reservedGuest = (reservation: Reservation | undefined): string | undefined =>
  reservation && (reservation.state === 'live' ? reservation.guestId : reservation.former)

/** A reservation without the guest that it names; undefined when nothing is left of it. */
export function withoutGuest(reservation: Reservation): Reservation | undefined {
  if (reservation.state === 'live' || reservation.state === 'free') return undefined
  const { former: _former, replaces: _replaces, ...rest } = reservation
  return rest
}

/** Decides from plain data. `guest` is the one that the reservation names; `now` the store's time. */
export function decide(
  reservation: Reservation | undefined,
  guest: GuestCredential | undefined,
  now: Instant,
  { assurance, onDuplicate, onDoubt, conflicts, issuerNow = now }: DecisionInput,
): Decision {
  if (!reservation) return { do: 'create', resumes: false }
  const known = reservedGuest(reservation)
  const former = known !== undefined && guest && !hasEnded(guest) ? { former: known } : {}
  if (reservation.state !== 'live') {
    const isOpen = reservation.state === 'creating' || reservation.state === 'in_doubt'
    if (isOpen && !conflicts && onDoubt === 'refuse') return { do: 'doubt' }
    const replaces = 'replaces' in reservation && reservation.replaces
    return {
      do: 'create',
      resumes: isOpen && conflicts,
      ...(isOpen && !conflicts ? { orphans: true } : {}),
      ...former,
      ...(replaces ? { replaces } : {}),
    }
  }
  // A guest that could be renewed must not become live beside the new one.
  if (!isLive(guest, now, issuerNow))
    return { do: 'create', resumes: false, ...former, replaces: Boolean(guest?.tokens?.refresh) }
  const { guestId } = reservation
  // An address that is only claimed must not get the session: anyone can type an address.
  if (assurance !== 'verified' || onDuplicate === 'reject') return { do: 'refuse', guestId }
  return onDuplicate === 'reuse'
    ? { do: 'reuse', guestId }
    : { do: 'create', resumes: false, former: guestId, replaces: true }
}

/**
 * Whether a guest has a session: a valid token, or one that can be renewed. For a token that nothing renews,
 * its own `exp` counts on the issuer's clock, because no upstream refuses a second guest meanwhile.
 */
export function isLive(guest: GuestCredential | undefined, now: Instant, issuerNow: Instant = now): boolean {
  if (!guest?.tokens || hasEnded(guest)) return false
  const { exp = 0, expiresAt, refresh, renewAt } = guest.tokens
  if (renewAt === NEVER && issuerNow < exp) return true
  return now < expiresAt + (refresh && guest.status !== 'needs_reauth' ? RENEWABLE : 0)
}
