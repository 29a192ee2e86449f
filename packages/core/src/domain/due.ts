import type { Credential } from './credential.ts'
import type { Instant } from './time.ts'

/**
 * Gives the time from which `claimDue` claims a guest: the start of the advisory window, or the expiry of the
 * token if the guest is `in_doubt`. It is never before the end of the back-off.
 *
 * @returns undefined if the credential is never claimed: it is not a guest, is neither `active` nor
 *   `in_doubt`, or has no tokens. Access tokens and sign-ins are renewed as they are used.
 */
export function dueAt({ kind, status, tokens, backOff }: Credential): Instant | undefined {
  if (kind !== 'guest' || (status !== 'active' && status !== 'in_doubt') || !tokens) return undefined
  const from = status === 'in_doubt' ? Math.max(tokens.expiresAt, tokens.renewAt) : tokens.renewAt
  return Math.max(from, backOff?.until ?? Number.NEGATIVE_INFINITY)
}

/**
 * Gives the time at which `dueAt` was set: the later of the request for the tokens and the start of the
 * back-off. If it is later than `latestCredible(now)`, the clock that set it was ahead, and the guest is due
 * now.
 */
export function dueSetAt({ tokens, backOff }: Credential): Instant {
  const rested = backOff?.ms === undefined ? 0 : backOff.until - backOff.ms
  return Math.max(tokens?.sentAt ?? 0, rested)
}
