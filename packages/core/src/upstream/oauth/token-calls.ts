import type { Millis } from '../../domain/time.ts'
import { type CallHandler, openCall, type Policy } from '../../policy/pipeline.ts'
import type { HttpRequest } from '../../ports/http.ts'
import { sendAndRead, type Explain, type Network } from '../answer.ts'
import type { GrantedTokens } from '../granted-tokens.ts'
import type { Endpoints } from '../hosts.ts'
import { runNonIdempotent, type NonIdempotentTry } from '../non-idempotent-call.ts'
import type { TryHooks } from '../try-hooks.ts'
import { withHints } from './refusal-hints.ts'
import { type ClientAuthMethod, authenticateBySecret, type ClientAuthentication } from './client.ts'
import { createMethodSelection, type MethodMemory } from './client-auth-method.ts'
import type { RequestParts } from './sign-in-requests.ts'
import type { OAuthOptions } from './oauth-api.ts'
import { explainToken, grantedOf, tokenAnswer, tokenReading } from './wire.ts'

interface Terms {
  readonly operation: string
  /** Default `token`. */
  readonly rateLimitKey?: string
  readonly repeatable: boolean
  readonly isSingle?: boolean
  readonly patienceMs?: Millis | undefined
}

interface Spending extends Terms {
  /** Whether sending it uses something up, so that every end must say whether upstream may have acted. */
  readonly spends: boolean
  /** Asked before each repeat of what may have used something up. */
  readonly mayRepeat?: () => boolean
}

/** One way to ask for tokens. */
interface Ask extends Spending {
  /** Where it is sent. */
  readonly to: keyof Endpoints
  readonly request: (making: RequestParts) => HttpRequest | Promise<HttpRequest>
  readonly hooks: TryHooks
  readonly explain?: Explain
}

/** What the calls of an OAuth server have in common. */
export interface TokenCalls {
  readonly options: OAuthOptions
  readonly network: Network
  /** A call through the pipeline. */
  run<T>(terms: Terms, attempt: CallHandler<T>): Promise<T>
  /** A call whose answer is tokens. */
  requestTokens(ask: Ask): Promise<GrantedTokens>
  /** Sends in the way in which the client names itself here, see `clientWays`. */
  authenticated<T>(send: (method: ClientAuthMethod) => Promise<T>): Promise<T>
  /** How the client names itself in one request: anew for each, because an assertion is good once. */
  authenticationFor(method: ClientAuthMethod, to: keyof Endpoints): Promise<ClientAuthentication>
  requestParts(method: ClientAuthMethod, to: keyof Endpoints, url: string): Promise<RequestParts>
}

/** `memory`: where the way that worked is remembered. */
export function createTokenCalls(
  options: OAuthOptions,
  policy: Policy,
  network: Network,
  memory: MethodMemory,
): TokenCalls {
  const { client, connection, server } = options
  const run = <T>(terms: Terms, attempt: CallHandler<T>, onFailedTry?: TryHooks['onFailedTry']): Promise<T> =>
    policy(attempt)(openCall({ connection, rateLimitKey: 'token', ...terms, onFailedTry }))

  /** A call that may use something up if `spends`. */
  function sent<T>(
    { spends, mayRepeat, ...terms }: Spending,
    hooks: TryHooks,
    attempt: NonIdempotentTry<T>,
  ): Promise<T> {
    const { onFailedTry } = hooks
    if (spends)
      return runNonIdempotent(
        policy,
        attempt,
        openCall({ connection, rateLimitKey: 'token', ...terms, onFailedTry }),
        hooks,
        mayRepeat,
      )
    return run(terms, (call) => attempt(call, hooks.onSend), onFailedTry)
  }

  const advertised = async () => (await metadataOf(options))?.clientMethods
  const authenticated = createMethodSelection({ ...options, advertised }, memory)
  const authenticationFor: TokenCalls['authenticationFor'] = (method, to) => namingOf(options, network, method, to)

  const requestParts: TokenCalls['requestParts'] = async (method, to, url) => ({
    url,
    clientId: client.id,
    authentication: await authenticationFor(method, to),
    params: to === 'device' ? options.authorizeParams : options.tokenParams,
  })

  async function requestTokens({ to, request, hooks, explain = explainToken, ...terms }: Ask): Promise<GrantedTokens> {
    const url = await server.endpoint(to)
    return authenticated((method) =>
      sent(terms, hooks, async (call, onSend) => {
        const of = { ...(await request(await requestParts(method, to, url))), onSend }
        const reading = tokenReading(withHints(explain, { client, method, to, url }))
        const { body, receipt } = await sendAndRead(network, of, tokenAnswer, call, reading)
        return grantedOf(body, receipt)
      }),
    )
  }

  return { options, network, run, requestTokens, authenticated, authenticationFor, requestParts }
}

/** What the server says of itself, where that can be had now: what depends on it goes without. */
const metadataOf = ({ server }: OAuthOptions) => server.metadata().catch(() => undefined)

async function namingOf(
  options: OAuthOptions,
  { clock }: Network,
  method: ClientAuthMethod,
  to: keyof Endpoints,
): Promise<ClientAuthentication> {
  const { client, server } = options
  if (method !== 'private_key_jwt') return authenticateBySecret(client, method)
  const { signedAssertion: assertion } = await import('./client-assertion.ts')
  const known = await metadataOf(options)
  const audience = known?.issuer ?? server.issuer ?? (await server.endpoint(to === 'clientToken' ? to : 'userToken'))
  return assertion(client, { audience, algorithms: known?.assertionAlgorithms }, clock)
}
