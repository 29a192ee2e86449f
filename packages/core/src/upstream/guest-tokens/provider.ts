import type { Secret } from '../../domain/secret.ts'
import { type Attempt, openCall, type Policy } from '../../policy/pipeline.ts'
import { exchange, type Network } from '../answer.ts'
import type { Granted } from '../granted.ts'
import { explainMint, mintAnswer, mintedOf, mintRequest, type MintRequest } from './wire.ts'

export interface GuestTokens {
  /** A new guest token. It may be asked for again: the call is repeated as the policy says. `onSend` is called just before each try is sent. */
  mint(request: MintRequest, onSend: () => void, signal?: AbortSignal): Promise<Granted>
}

/** The ephemeral guest tokens of the documented guest API. The policy brings the access token (`call.bearer`). */
export function guestTokens(
  options: { readonly connection: string; readonly api: string },
  policy: Policy,
  network: Network,
): GuestTokens {
  return {
    mint(request, onSend, signal) {
      const attempt: Attempt<Granted> = async (call) => {
        onSend()
        const { body, receipt } = await exchange(
          network,
          mintRequest(options.api, call.bearer as Secret, request),
          mintAnswer,
          call,
          explainMint,
        )
        return mintedOf(body, receipt)
      }
      return policy(attempt)(
        openCall({
          connection: options.connection,
          operation: 'generate-token',
          lane: 'api',
          repeatable: true,
          signal,
        }),
      )
    },
  }
}
