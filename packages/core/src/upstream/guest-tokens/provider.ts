import type { Secret } from '../../domain/secret.ts'
import type { Millis } from '../../domain/time.ts'
import type { HttpRequest } from '../../ports/http.ts'
import { type Call, openCall, type Policy } from '../../policy/pipeline.ts'
import { sendAndRead, type Explain, type AnswerFacts } from '../answer.ts'
import type { Reader } from '../body.ts'
import type { GrantedTokens } from '../granted-tokens.ts'
import type { ProviderParts } from '../guest-api.ts'
import type { TryHooks } from '../try-hooks.ts'
import { MINT_SCOPE, REFRESH_SCOPE } from './scopes.ts'
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

/** The calls of the guest-tokens API. */
export interface GuestTokens {
  /** Mints a token. The call may be repeated. Rejects as any call does. */
  mint(request: MintRequest, terms: CallTerms): Promise<GrantedTokens>
  /**
   * Refreshes a token. The call may be repeated under the same Idempotency-Key, within 24 hours of the first
   * time. Rejects with `refresh_impossible` if the upstream knows no such token or it ended too long ago, and
   * as any call does.
   */
  refresh(request: RefreshRequest, terms: CallTerms): Promise<Refreshed>
}

/** How a call is made. */
interface CallTerms extends TryHooks {
  readonly signal?: AbortSignal | undefined
  /** How long the caller waits, in milliseconds. Default: as the policy says. */
  readonly patienceMs?: Millis | undefined
}

/**
 * The calls of the guest-tokens API. Each has an access token with its own scope, so that a client with one
 * of the scopes can make it.
 */
export function guestTokenCalls(parts: ProviderParts): GuestTokens {
  const { connection, api, policyFor } = parts
  const [mint, refresh] = [policyFor([MINT_SCOPE]), policyFor([REFRESH_SCOPE])]
  const open = (operation: string, { signal, patienceMs, onFailedTry }: CallTerms): Call =>
    openCall({ connection, operation, rateLimitKey: 'api', repeatable: true, signal, patienceMs, onFailedTry })
  return {
    async mint(request, terms) {
      const { body, receipt } = await exchanged(parts, mint, open('generate-token', terms), {
        request: (bearer) => mintRequest(api, bearer, request),
        answer: mintAnswer,
        explain: explainMint,
        terms,
      })
      return mintedOf(body, receipt)
    },
    async refresh(request, terms) {
      const { body, receipt } = await exchanged(parts, refresh, open('refresh-guest-token', terms), {
        request: (bearer) => refreshRequest(api, bearer, request),
        answer: refreshAnswer,
        explain: explainRefresh,
        terms,
      })
      return refreshedOf(body, receipt)
    },
  }
}

/** Sends a request and reads its answer, as often as the policy repeats it. */
const exchanged = <Body>(
  { network }: ProviderParts,
  policy: Policy,
  call: Call,
  of: {
    readonly request: (bearer: Secret) => HttpRequest
    readonly answer: Reader<Body>
    readonly explain: Explain
    readonly terms: CallTerms
  },
): Promise<{ readonly body: Body; readonly receipt: AnswerFacts }> =>
  policy(async (attempt) => {
    await of.terms.beforeTry?.()
    const request = { ...of.request(attempt.bearer as Secret), onSend: of.terms.onSend }
    return sendAndRead(network, request, of.answer, attempt, { explain: of.explain })
  })(call)
