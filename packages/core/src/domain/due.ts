import type { Credential } from './credential.ts'
import type { Instant } from './time.ts'

/**
 * When a credential is due to be renewed without anybody asking: in its advisory window and past its back-off. Absent for
 * what is never due: access tokens, which callers renew; what is not active; what has no tokens.
 */
export function dueAt({ kind, standing, tokens, backOff }: Credential): Instant | undefined {
  if (kind !== 'guest' || standing !== 'active' || !tokens) return undefined
  return Math.max(tokens.renewAt, backOff?.until ?? Number.NEGATIVE_INFINITY)
}

/**
 * When the due time was set: when its tokens were asked for, or its back-off began. Where that is in the future, a clock that was
 * ahead has set it, and it is due now.
 */
export function dueSetAt({ tokens, backOff }: Credential): Instant {
  const rested = backOff?.ms === undefined ? 0 : backOff.until - backOff.ms
  return Math.max(tokens?.sentAt ?? 0, rested)
}
