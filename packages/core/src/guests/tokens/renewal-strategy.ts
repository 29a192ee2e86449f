import type { GuestCredential } from '../../domain/credential.ts'
import type { RenewalCall, RenewalStrategy } from '../../tokens/renewal/strategy.ts'
import type { RequestedTokens } from './request-tokens.ts'

/** How the guests of one API get their next tokens. */
export interface GuestRenewalStrategy extends Pick<RenewalStrategy<GuestCredential>, 'prepare' | 'afterFailure'> {
  /** Whether a call uses something up (see `Strategy.spends`). */
  readonly isSingleUse: boolean
  /** Throws when the connection cannot offer the API at all. */
  available(): void
  /** Asks for the next tokens as the credential's intent says. */
  renew(order: RenewalCall<GuestCredential>): Promise<RequestedTokens>
}
