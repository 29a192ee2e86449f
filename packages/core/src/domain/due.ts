import type { Credential } from './credential.ts'
import type { Instant } from './time.ts'

/**
 * When a credential is due to be renewed without anybody asking: in its advisory window, or in doubt at its
 * end, when the last resort may be sent, and past its back-off. Absent for what is never due: access tokens,
 * which callers renew; what has ended; what has no tokens.
 */
export function dueAt({ kind, status, tokens, backOff }: Credential): Instant | undefined {
  if (kind !== 'guest' || (status !== 'active' && status !== 'in_doubt') || !tokens) return undefined
  const from = status === 'in_doubt' ? Math.max(tokens.expiresAt, tokens.renewAt) : tokens.renewAt
  return Math.max(from, backOff?.until ?? Number.NEGATIVE_INFINITY)
}

/**
 * When the due time was set: when its tokens were asked for, or its back-off began. Where that is in the
 * future, a clock that was ahead has set it, and it is due now.
 */
export function dueSetAt({ tokens, backOff }: Credential): Instant {
  const rested = backOff?.ms === undefined ? 0 : backOff.until - backOff.ms
  return Math.max(tokens?.sentAt ?? 0, rested)
}
