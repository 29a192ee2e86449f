import type { Status } from './credential.ts'
import type { Instant } from './time.ts'

/** The status of a credential at a time: the stored one, or `expired` if it is active and its token has expired. */
export type CurrentStatus = Status | 'expired'

const everyStatus: { readonly [Each in CurrentStatus]: Each } = {
  active: 'active',
  expired: 'expired',
  in_doubt: 'in_doubt',
  needs_reauth: 'needs_reauth',
  revoked: 'revoked',
  erased: 'erased',
}

/** Every status that `currentStatus` gives for a guest. */
export const currentStatuses: readonly CurrentStatus[] = Object.values(everyStatus)

/**
 * Gives the status of a stored credential at a time: `expired` if it is active and its token has expired, else
 * the stored status.
 *
 * @param view a view of a guest or of a connection
 * @param now in milliseconds since 1970
 */
export const currentStatus = <S extends string>(
  { status, expiresAt = Number.POSITIVE_INFINITY }: { readonly status: S; readonly expiresAt?: Instant },
  now: Instant,
): S | 'expired' => (status === 'active' && expiresAt <= now ? 'expired' : status)
