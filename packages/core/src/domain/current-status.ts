import type { Status } from './credential.ts'
import type { Instant } from './time.ts'

/** The status of a credential at a time: the stored one, or `expired` if it is active and its token has expired. */
export type CurrentStatus = Status | 'expired'

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
