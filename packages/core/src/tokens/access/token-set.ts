import type { TokenSet } from '../../domain/credential.ts'
import { renewalTime, type RenewalWindows } from '../../domain/plan.ts'
import type { Instant } from '../../domain/time.ts'
import type { GrantedTokens } from '../../upstream/granted-tokens.ts'

/** Granted tokens as they are stored. `expiresAt` and `sentAt` are on the store's clock, `exp` is on the issuer's; `jitter` in [0, 1) spreads renewals. */
export function tokenSet(
  granted: Pick<GrantedTokens, 'access' | 'refresh' | 'scopes'>,
  of: {
    readonly asked: readonly string[]
    readonly sentAt: Instant
    readonly expiresAt: Instant
    readonly exp?: Instant
    readonly verified: boolean
  },
  windows: RenewalWindows,
  jitter: number,
): TokenSet {
  // Whole milliseconds, never later than stated.
  const [sentAt, expiresAt] = [Math.floor(of.sentAt), Math.floor(of.expiresAt)]
  return {
    access: granted.access,
    ...(granted.refresh ? { refresh: granted.refresh } : {}),
    scopes: granted.scopes ?? of.asked,
    verified: of.verified,
    sentAt,
    expiresAt,
    ...(of.exp === undefined ? {} : { exp: of.exp }),
    renewAt: renewalTime(sentAt, expiresAt, windows, jitter),
  }
}
