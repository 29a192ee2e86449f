import type { Secret } from '../../domain/secret.ts'
import type { Millis } from '../../domain/time.ts'
import { type Attempt, type Call, openCall, type Policy } from '../../policy/pipeline.ts'
import { sendAndRead, type Network } from '../answer.ts'
import type { GrantedTokens } from '../granted-tokens.ts'
import type { TryHooks } from '../try-hooks.ts'
import {
  explainMint,
  explainRefresh,
  mintAnswer,
  mintedOf,
  mintRequest,
  type MintRequest,
  refreshAnswer,
  type Refreshed,
  refreshedOf,
  refreshRequest,
  type RefreshRequest,
} from './wire.ts'

/** The ephemeral guest tokens of the documented guest API. */
export interface GuestTokens {
  /** A new guest token. It may be asked for again: the call is repeated as the policy says. */
  mint(request: MintRequest, of: CallTerms): Promise<GrantedTokens>
  /**
   * The next token of a guest. It may be asked for again under the same Idempotency-Key, within 24 hours of the first time.
   * Rejects with `refresh_impossible` when upstream knows no such token, or it ended too long ago.
   */
  refresh(request: RefreshRequest, of: CallTerms): Promise<Refreshed>
}

/** How a call is made. */
export interface CallTerms extends TryHooks {
  readonly signal?: AbortSignal | undefined
  /** How long the caller waits, in milliseconds. Default: as the policy says. */
  readonly patienceMs?: Millis | undefined
}

export interface GuestTokensOptions {
  readonly connection: string
  readonly api: string
}

/** What brings the access token (`call.bearer`) to each operation. */
export interface GuestTokensPolicies {
  readonly mint: Policy
  readonly refresh: Policy
}

export function guestTokens(
  { connection, api }: GuestTokensOptions,
  policies: GuestTokensPolicies,
  network: Network,
): GuestTokens {
  const call = (operation: string, { signal, patienceMs, onFailedTry }: CallTerms): Call =>
    openCall({ connection, operation, lane: 'api', repeatable: true, signal, patienceMs, failed: onFailedTry })
  return {
    mint(request, terms) {
      const attempt: Attempt<GrantedTokens> = async (call) => {
        await terms.beforeTry?.()
        const sent = { ...mintRequest(api, call.bearer as Secret, request), onSend: terms.onSend }
        const { body, receipt } = await sendAndRead(network, sent, mintAnswer, call, { explain: explainMint })
        return mintedOf(body, receipt)
      }
      return policies.mint(attempt)(call('generate-token', terms))
    },
    refresh(request, terms) {
      const attempt: Attempt<Refreshed> = async (call) => {
        await terms.beforeTry?.()
        const sent = { ...refreshRequest(api, call.bearer as Secret, request), onSend: terms.onSend }
        const { body, receipt } = await sendAndRead(network, sent, refreshAnswer, call, { explain: explainRefresh })
        return refreshedOf(body, receipt)
      }
      return policies.refresh(attempt)(call('refresh-guest-token', terms))
    },
  }
}
