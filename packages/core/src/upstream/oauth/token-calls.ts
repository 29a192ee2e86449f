import type { Millis } from '../../domain/time.ts'
import { type CallHandler, openCall, type Policy } from '../../policy/pipeline.ts'
import type { HttpRequest } from '../../ports/http.ts'
import { sendAndRead, type Explain, type Network } from '../answer.ts'
import type { GrantedTokens } from '../granted-tokens.ts'
import type { OAuthEndpoints } from '../hosts.ts'
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
  /** Whether the request uses a code or token up, so that errors must say whether upstream may have acted. */
  readonly spends: boolean
  /** Called before a repeat, if the request may have used something up. */
  readonly mayRepeat?: () => boolean
}

/** A request for tokens. */
interface Ask extends Spending {
  /** The endpoint. */
  readonly to: keyof OAuthEndpoints
  readonly request: (making: RequestParts) => HttpRequest | Promise<HttpRequest>
  readonly hooks: TryHooks
  readonly explain?: Explain
}

/** The parts that all calls to an OAuth server share. */
export interface TokenCalls {
  readonly options: OAuthOptions
  readonly network: Network
  /** Runs a call through the policy. */
  run<T>(terms: Terms, attempt: CallHandler<T>): Promise<T>
  /** Runs a call whose answer is tokens. */
  requestTokens(ask: Ask): Promise<GrantedTokens>
  /** Sends with the authentication method of this client; see `createMethodSelection`. */
  authenticated<T>(send: (method: ClientAuthMethod) => Promise<T>): Promise<T>
  /** The authentication of one request: made for each, because an assertion is valid once. */
  authenticationFor(method: ClientAuthMethod, to: keyof OAuthEndpoints): Promise<ClientAuthentication>
  requestParts(method: ClientAuthMethod, to: keyof OAuthEndpoints, url: string): Promise<RequestParts>
}

type Calling = Pick<TokenCalls, 'options' | 'network' | 'authenticated' | 'requestParts'> & { readonly policy: Policy }

/** Creates the calls of an OAuth server. `memory`: where the authentication method that worked is stored. */
export function createTokenCalls(
  options: OAuthOptions,
  policy: Policy,
  network: Network,
  memory: MethodMemory,
): TokenCalls {
  const advertised = async () => (await metadataOf(options))?.clientMethods
  const authenticated = createMethodSelection({ ...options, advertised }, memory)
  const authenticationFor: TokenCalls['authenticationFor'] = (method, to) =>
    clientAuthentication(options, network, method, to)
  const requestParts: TokenCalls['requestParts'] = async (method, to, url) => ({
    url,
    clientId: options.client.id,
    authentication: await authenticationFor(method, to),
    params: to === 'device' ? options.authorizeParams : options.tokenParams,
  })
  const calling: Calling = { options, network, policy, authenticated, requestParts }
  return {
    options,
    network,
    run: (terms, attempt) => policy(attempt)(callOf(calling, terms)),
    requestTokens: (ask) => requestTokens(calling, ask),
    authenticated,
    authenticationFor,
    requestParts,
  }
}

const callOf = ({ options: { connection } }: Calling, terms: Terms, onFailedTry?: TryHooks['onFailedTry']) =>
  openCall({ connection, rateLimitKey: 'token', ...terms, onFailedTry })

/** Sends a call. If it `spends` something, its errors say whether upstream may have acted. */
function send<T>(
  calling: Calling,
  { spends, mayRepeat, ...terms }: Spending,
  hooks: TryHooks,
  attempt: NonIdempotentTry<T>,
): Promise<T> {
  const { policy } = calling
  const call = callOf(calling, terms, hooks.onFailedTry)
  return spends
    ? runNonIdempotent(policy, attempt, call, hooks, mayRepeat)
    : policy((one) => attempt(one, hooks.onSend))(call)
}

async function requestTokens(calling: Calling, ask: Ask): Promise<GrantedTokens> {
  const { options, network, authenticated, requestParts } = calling
  const { to, request, hooks, explain = explainToken, ...terms } = ask
  const { client, server } = options
  const url = await server.endpoint(to)
  return authenticated((method) =>
    send(calling, terms, hooks, async (call, onSend) => {
      const sent = { ...(await request(await requestParts(method, to, url))), onSend }
      const reading = tokenReading(withHints(explain, { client, method, to, url }))
      const { body, receipt } = await sendAndRead(network, sent, tokenAnswer, call, reading)
      return grantedOf(body, receipt)
    }),
  )
}

/** The metadata of the server, if it can be read now. */
const metadataOf = ({ server }: OAuthOptions) => server.metadata().catch(() => undefined)

async function clientAuthentication(
  options: OAuthOptions,
  { clock }: Network,
  method: ClientAuthMethod,
  to: keyof OAuthEndpoints,
): Promise<ClientAuthentication> {
  const { client, server } = options
  if (method !== 'private_key_jwt') return authenticateBySecret(client, method)
  const { signedAssertion: assertion } = await import('./client-assertion.ts')
  const known = await metadataOf(options)
  const audience = known?.issuer ?? server.issuer ?? (await server.endpoint(to === 'clientToken' ? to : 'userToken'))
  return assertion(client, { audience, algorithms: known?.assertionAlgorithms }, clock)
}
