import type { Millis } from '../../domain/time.ts'
import { type Attempt, openCall, type Policy } from '../../policy/pipeline.ts'
import type { HttpRequest } from '../../ports/http.ts'
import { exchange, type Explain, type Network } from '../answer.ts'
import type { Granted } from '../granted.ts'
import type { Endpoints } from '../hosts.ts'
import { once, type Try } from '../once.ts'
import type { Sending } from '../sending.ts'
import { advised } from './advice.ts'
import { type ClientMethod, namedBy, type Naming } from './client.ts'
import { clientWays, type Memory } from './client-ways.ts'
import type { Making } from './kernel-requests.ts'
import type { OAuthOptions } from './oauth-api.ts'
import { explainToken, grantedOf, tokenAnswer, tokenReading } from './wire.ts'

interface Terms {
  readonly operation: string
  /** Default `token`. */
  readonly lane?: string
  readonly repeatable: boolean
  readonly single?: boolean
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
  readonly request: (making: Making) => HttpRequest | Promise<HttpRequest>
  readonly sending: Sending
  readonly explain?: Explain
}

/** What the calls of an OAuth server have in common. */
export interface TokenCalls {
  readonly options: OAuthOptions
  readonly network: Network
  /** A call through the pipeline. */
  ask<T>(terms: Terms, attempt: Attempt<T>): Promise<T>
  /** A call whose answer is tokens. */
  asked(ask: Ask): Promise<Granted>
  /** Sends in the way in which the client names itself here, see `clientWays`. */
  named<T>(send: (method: ClientMethod) => Promise<T>): Promise<T>
  /** How the client names itself in one request: anew for each, because an assertion is good once. */
  naming(method: ClientMethod, to: keyof Endpoints): Promise<Naming>
  making(method: ClientMethod, to: keyof Endpoints, url: string): Promise<Making>
}

/** `memory`: where the way that worked is remembered. */
export function tokenCalls(options: OAuthOptions, policy: Policy, network: Network, memory: Memory): TokenCalls {
  const { client, connection, server } = options
  const ask = <T>(terms: Terms, attempt: Attempt<T>, failed?: Sending['failed']): Promise<T> =>
    policy(attempt)(openCall({ connection, lane: 'token', ...terms, failed }))

  /** A call that may use something up if `spends`. */
  function sent<T>({ spends, mayRepeat, ...terms }: Spending, sending: Sending, attempt: Try<T>): Promise<T> {
    const { failed } = sending
    if (spends)
      return once(policy, attempt, openCall({ connection, lane: 'token', ...terms, failed }), sending, mayRepeat)
    return ask(terms, (call) => attempt(call, sending.onSend), failed)
  }

  const advertised = async () => (await metadataOf(options))?.clientMethods
  const named = clientWays({ ...options, advertised }, memory)
  const naming: TokenCalls['naming'] = (method, to) => namingOf(options, network, method, to)

  const making: TokenCalls['making'] = async (method, to, url) => ({
    url,
    clientId: client.id,
    naming: await naming(method, to),
    params: to === 'device' ? options.authorizeParams : options.tokenParams,
  })

  async function asked({ to, request, sending, explain = explainToken, ...terms }: Ask): Promise<Granted> {
    const url = await server.endpoint(to)
    return named((method) =>
      sent(terms, sending, async (call, onSend) => {
        const of = { ...(await request(await making(method, to, url))), onSend }
        const reading = tokenReading(advised(explain, { client, method, to, url }))
        const { body, receipt } = await exchange(network, of, tokenAnswer, call, reading)
        return grantedOf(body, receipt)
      }),
    )
  }

  return { options, network, ask, asked, named, naming, making }
}

/** What the server says of itself, where that can be had now: what depends on it goes without. */
const metadataOf = ({ server }: OAuthOptions) => server.metadata().catch(() => undefined)

async function namingOf(
  options: OAuthOptions,
  { clock }: Network,
  method: ClientMethod,
  to: keyof Endpoints,
): Promise<Naming> {
  const { client, server } = options
  if (method !== 'private_key_jwt') return namedBy(client, method)
  const { assertion } = await import('./assertion.ts')
  const known = await metadataOf(options)
  const audience = known?.issuer ?? server.issuer ?? (await server.endpoint(to === 'clientToken' ? to : 'userToken'))
  return assertion(client, { audience, algorithms: known?.assertionAlgorithms }, clock)
}
