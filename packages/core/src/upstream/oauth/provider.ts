import type * as z from 'zod/mini'
import { Secret } from '../../domain/secret.ts'
import { type Millis, SECOND } from '../../domain/time.ts'
import { type GuestpassError } from '../../errors.ts'
import type { HttpRequest } from '../../ports/http.ts'
import { type Attempt, openCall, type Policy } from '../../policy/pipeline.ts'
import { acknowledge, exchange, type Explain, type Network, type Reading } from '../answer.ts'
import type { Granted } from '../granted.ts'
import { once, type Try } from '../once.ts'
import type { Sending } from '../sending.ts'
import type { Endpoints } from '../hosts.ts'
import { advised } from './advice.ts'
import { type ClientMethod, namedBy, type Naming } from './client.ts'
import { clientWays, type Memory } from './client-ways.ts'
import type { Making } from './kernel-requests.ts'
import type { Params } from './params.ts'
import type { DeviceCode, OAuth, OAuthOptions } from './oauth-api.ts'
import { isUnnamed } from './server.ts'
import {
  authorizeUrl,
  clientCredentialsRequest,
  deviceAnswer,
  deviceReading,
  explainDevice,
  explainExchange,
  explainRefresh,
  explainToken,
  grantedOf,
  identityAnswer,
  identityOf,
  identityRequest,
  refreshTokenRequest,
  revocationReading,
  revocationRequest,
  tokenAnswer,
  tokenDeletion,
  tokenReading,
} from './wire.ts'

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

/** The OAuth server of an organisation. What needs oauth4webapi is loaded when it is called: most processes never sign anybody in. */
export function oauth(options: OAuthOptions, policy: Policy, network: Network, memory: Memory): OAuth {
  const { client, connection } = options
  const ask = <T>(terms: Terms, attempt: Attempt<T>): Promise<T> =>
    policy(attempt)(openCall({ connection, lane: 'token', ...terms }))

  /** A call that may use something up if `spends`. */
  function sent<T>({ spends, mayRepeat, ...terms }: Spending, sending: Sending, attempt: Try<T>): Promise<T> {
    if (spends) return once(policy, attempt, openCall({ connection, lane: 'token', ...terms }), sending, mayRepeat)
    return ask(terms, (call) => attempt(call, sending.onSend))
  }

  const { server } = options
  const { endpoint } = server
  /** What the server says of itself, where that can be had now: what depends on it goes without. */
  const metadata = () => server.metadata().catch(() => undefined)
  const advertised = async () => (await metadata())?.clientMethods
  const named = clientWays({ ...options, advertised }, memory)

  /** How the client names itself in one request: anew for each, because an assertion is good once. */
  async function naming(method: ClientMethod, to: keyof Endpoints): Promise<Naming> {
    if (method !== 'private_key_jwt') return namedBy(client, method)
    const { assertion } = await import('./assertion.ts')
    const known = await metadata()
    const audience = known?.issuer ?? server.issuer ?? (await endpoint(to === 'clientToken' ? to : 'userToken'))
    return assertion(client, { audience, algorithms: known?.assertionAlgorithms }, network.clock)
  }

  const making = async (method: ClientMethod, to: keyof Endpoints, url: string): Promise<Making> => ({
    url,
    clientId: client.id,
    naming: await naming(method, to),
    params: to === 'device' ? options.authorizeParams : options.tokenParams,
  })

  const asked = async ({ to, request, sending, explain = explainToken, ...terms }: Ask): Promise<Granted> => {
    const url = await endpoint(to)
    return named((method) =>
      sent(terms, sending, async (call, onSend) => {
        const of = { ...(await request(await making(method, to, url))), onSend }
        const { body, receipt } = await exchange(
          network,
          of,
          tokenAnswer,
          call,
          tokenReading(advised(explain, { client, method, to, url })),
        )
        return grantedOf(body, receipt)
      }),
    )
  }

  /** What ends a token has an answer without a body. */
  const ended = (request: () => Promise<HttpRequest>, reading: Reading): Promise<void> =>
    ask({ operation: 'revoke', repeatable: true }, async (call) => acknowledge(network, await request(), call, reading))

  const maxAge = maxAgeOf(options.authorizeParams)

  return {
    clientId: client.id,
    maxAge,
    ready: async () => void (await endpoint('userToken')),
    async checkCallback(query) {
      const { checkCallback } = await import('./checks.ts')
      checkCallback(query, client.id, await server.expected())
    },
    async checkIdToken(claims, nonce) {
      const { checkIdToken } = await import('./checks.ts')
      await checkIdToken(claims, { ...(await server.expected()), clientId: client.id, nonce, maxAge })
    },
    async authorizeUrl(one) {
      return authorizeUrl(await endpoint('authorize'), client.id, { ...one, params: options.authorizeParams })
    },
    async exchange({ sending, ...code }) {
      const { codeRequest } = await import('./kernel-requests.ts')
      return asked({
        operation: 'exchange',
        repeatable: false,
        single: true,
        spends: true,
        to: 'userToken',
        request: (making) => codeRequest(making, code),
        sending,
        explain: explainExchange,
      })
    },
    clientCredentials: (scopes, sending, patienceMs) =>
      asked({
        operation: 'token',
        repeatable: true,
        spends: false,
        to: 'clientToken',
        request: ({ url, naming, params }) => clientCredentialsRequest(url, naming, scopes, params),
        sending,
        patienceMs,
      }),
    refresh: (refreshToken, { scopes, mayRepeat, sending, patienceMs }) =>
      asked({
        operation: 'refresh',
        repeatable: mayRepeat(),
        spends: true,
        mayRepeat,
        to: 'userToken',
        request: ({ url, naming, params }) => refreshTokenRequest(url, naming, refreshToken, scopes, params),
        sending,
        explain: explainRefresh,
        patienceMs,
      }),
    async deviceCode(scopes) {
      const { deviceCodeRequest } = await import('./kernel-requests.ts')
      const url = await endpoint('device')
      return named((method) =>
        ask({ operation: 'device', repeatable: true }, async (call) => {
          const request = await deviceCodeRequest(await making(method, 'device', url), scopes)
          const advice = advised(explainToken, { client, method, to: 'device', url })
          const { body } = await exchange(network, request, deviceAnswer, call, deviceReading(advice))
          return deviceCodeOf(body)
        }),
      )
    },
    async deviceToken(deviceCode, sending) {
      const { deviceTokenRequest } = await import('./kernel-requests.ts')
      try {
        const request = (making: Making) => deviceTokenRequest(making, deviceCode)
        const terms = { operation: 'device-token', repeatable: false, spends: true, explain: explainDevice }
        return { is: 'granted', granted: await asked({ ...terms, to: 'userToken', request, sending }) }
      } catch (thrown) {
        const code = (thrown as GuestpassError).upstream?.code
        if (code === 'authorization_pending') return { is: 'pending' }
        if (code === 'slow_down') return { is: 'slow_down' }
        throw thrown
      }
    },
    async identity(access) {
      const { api } = options
      if (api === undefined) return {}
      return ask({ operation: 'users-me', lane: 'api', repeatable: true }, async (call) => {
        const { body } = await exchange(network, identityRequest(api, access), identityAnswer, call)
        return identityOf(body)
      })
    },
    async revoke({ access, refresh }) {
      if (options.platform && options.api !== undefined) {
        const { api } = options
        await ended(async () => tokenDeletion(api, access), {})
        return refresh ? 'unsupported' : 'done'
      }
      const [token, kind] = refresh ? ([refresh, 'refresh_token'] as const) : ([access, 'access_token'] as const)
      const url = await endpoint('revocation').catch((thrown: unknown) => {
        if (isUnnamed(thrown, 'revocation')) return undefined
        throw thrown
      })
      if (url === undefined) return 'unsupported'
      await named((method) => {
        const request = async () => revocationRequest(url, await naming(method, 'revocation'), token, kind)
        return ended(request, revocationReading(advised(explainToken, { client, method, to: 'revocation', url })))
      })
      return 'done'
    },
  }
}

function maxAgeOf({ max_age: value }: Params = {}): number | undefined {
  const seconds = Number([value].flat()[0] ?? Number.NaN)
  return Number.isFinite(seconds) && seconds >= 0 ? seconds : undefined
}

/** RFC 8628, 3.2: five seconds when nothing is said; a second at least, whatever is said. */
const deviceCodeOf = (body: z.output<typeof deviceAnswer>): DeviceCode => ({
  deviceCode: new Secret(body.device_code),
  userCode: body.user_code,
  verificationUri: body.verification_uri,
  ...(body.verification_uri_complete === undefined ? {} : { verificationUriComplete: body.verification_uri_complete }),
  lifetimeMs: (body.expires_in || 600) * SECOND,
  intervalMs: Math.max(1, body.interval ?? 5) * SECOND,
})
