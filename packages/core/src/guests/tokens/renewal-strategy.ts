import type { GuestCredential } from '../../domain/credential.ts'
import type { RenewalCall, RenewalStrategy } from '../../tokens/renewal/strategy.ts'
import type { RequestedTokens } from './request-tokens.ts'

/** Renews the guests of one API. */
export interface GuestRenewalStrategy extends Pick<RenewalStrategy<GuestCredential>, 'prepare' | 'afterFailure'> {
  /** Whether a call uses up a refresh token (see `RenewalStrategy.isSingleUse`). */
  readonly isSingleUse: boolean
  /** Throws if the connection does not offer the API. */
  ensureAvailable(): void
  /** Requests the next tokens as the credential's intent says. */
  renew(call: RenewalCall<GuestCredential>): Promise<RequestedTokens>
}
