import type { Secret } from '../../domain/secret.ts'
import { type Attempt, type Call, openCall, type Policy } from '../../policy/pipeline.ts'
import { exchange, type Network } from '../answer.ts'
import type { Granted } from '../granted.ts'
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

/** The ephemeral guest tokens of the documented guest API. `onSend` is called just before each try is sent. */
export interface GuestTokens {
  /** A new guest token. It may be asked for again: the call is repeated as the policy says. */
  mint(request: MintRequest, onSend: () => void, signal?: AbortSignal): Promise<Granted>
  /**
   * The next token of a guest. It may be asked for again under the same Idempotency-Key, within 24 hours of the first time.
   * Rejects with `refresh_impossible` when upstream knows no such token, or it ended too long ago.
   */
  refresh(request: RefreshRequest, onSend: () => void): Promise<Refreshed>
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
  const call = (operation: string, signal?: AbortSignal): Call =>
    openCall({ connection, operation, lane: 'api', repeatable: true, signal })
  return {
    mint(request, onSend, signal) {
      const attempt: Attempt<Granted> = async (call) => {
        onSend()
        const sent = mintRequest(api, call.bearer as Secret, request)
        const { body, receipt } = await exchange(network, sent, mintAnswer, call, explainMint)
        return mintedOf(body, receipt)
      }
      return policies.mint(attempt)(call('generate-token', signal))
    },
    refresh(request, onSend) {
      const attempt: Attempt<Refreshed> = async (call) => {
        onSend()
        const sent = refreshRequest(api, call.bearer as Secret, request)
        const { body, receipt } = await exchange(network, sent, refreshAnswer, call, explainRefresh)
        return refreshedOf(body, receipt)
      }
      return policies.refresh(attempt)(call('refresh-guest-token'))
    },
  }
}
