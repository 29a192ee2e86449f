import { Secret } from '../../domain/secret.ts'
import { SECOND } from '../../domain/time.ts'
import type { GuestpassError } from '../../domain/errors.ts'
import type { Policy } from '../../policy/pipeline.ts'
import type { HttpRequest } from '../../ports/http.ts'
import { acknowledge, exchange, type Network, type Reading } from '../answer.ts'
import type { Read } from '../body.ts'
import { advised } from './advice.ts'
import type { Memory } from './client-ways.ts'
import type { Making } from './kernel-requests.ts'
import type { DeviceCode, OAuth, OAuthOptions } from './oauth-api.ts'
import type { Params } from './params.ts'
import { isUnnamed } from './server.ts'
import { type TokenCalls, tokenCalls } from './token-calls.ts'
import {
  authorizeUrl,
  clientCredentialsRequest,
  deviceAnswer,
  deviceReading,
  explainDevice,
  explainExchange,
  explainRefresh,
  explainToken,
  identityAnswer,
  identityOf,
  identityRequest,
  refreshTokenRequest,
  revocationReading,
  revocationRequest,
  tokenDeletion,
} from './wire.ts'

/** The OAuth server of an organisation. What needs oauth4webapi is loaded when it is called: most processes never sign anybody in. */
export function oauth(options: OAuthOptions, policy: Policy, network: Network, memory: Memory): OAuth {
  const calls = tokenCalls(options, policy, network, memory)
  return { ...signIns(calls), ...renewals(calls), ...deviceSignIns(calls), ...ofTokens(calls) }
}

function signIns({
  options,
  asked,
}: TokenCalls): Pick<
  OAuth,
  'clientId' | 'issuer' | 'maxAge' | 'ready' | 'checkCallback' | 'checkIdToken' | 'authorizeUrl' | 'exchange'
> {
  const { client, server, authorizeParams: params } = options
  const maxAge = maxAgeOf(params)
  return {
    clientId: client.id,
    issuer: server.issuer,
    maxAge,
    async ready(scopes) {
      await server.endpoint('userToken')
      if (server.issuer !== undefined && scopes.includes('openid')) await server.jwksUrl()
    },
    async checkCallback(query) {
      const { checkCallback } = await import('./checks.ts')
      checkCallback(query, client.id, await server.expected())
    },
    async checkIdToken(claims, nonce) {
      const { checkIdToken } = await import('./checks.ts')
      await checkIdToken(claims, { ...(await server.expected()), clientId: client.id, nonce, maxAge })
    },
    authorizeUrl: async (ask) => authorizeUrl(await server.endpoint('authorize'), client.id, { ...ask, params }),
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
  }
}

const renewals = ({ asked }: TokenCalls): Pick<OAuth, 'clientCredentials' | 'refresh'> => ({
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
})

function deviceSignIns(calls: TokenCalls): Pick<OAuth, 'deviceCode' | 'deviceToken'> {
  const { options, network, ask, asked, named, making } = calls
  const { client, server } = options
  return {
    async deviceCode(scopes) {
      const { deviceCodeRequest } = await import('./kernel-requests.ts')
      const url = await server.endpoint('device')
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
        const request = (one: Making) => deviceTokenRequest(one, deviceCode)
        const terms = { operation: 'device-token', repeatable: false, spends: true, explain: explainDevice }
        return { is: 'granted', granted: await asked({ ...terms, to: 'userToken', request, sending }) }
      } catch (thrown) {
        const code = (thrown as GuestpassError).upstream?.code
        if (code === 'authorization_pending') return { is: 'pending' }
        if (code === 'slow_down') return { is: 'slow_down' }
        throw thrown
      }
    },
  }
}

/** What is asked about tokens that are there. */
function ofTokens({ options, network, ask, named, naming }: TokenCalls): Pick<OAuth, 'identity' | 'revoke'> {
  const { api, client, endsByApi, server } = options
  /** What ends a token has an answer without a body. */
  const ended = (request: () => Promise<HttpRequest>, reading: Reading): Promise<void> =>
    ask({ operation: 'revoke', repeatable: true }, async (call) => acknowledge(network, await request(), call, reading))
  return {
    async identity(access) {
      if (api === undefined) return {}
      return ask({ operation: 'users-me', lane: 'api', repeatable: true }, async (call) => {
        const { body } = await exchange(network, identityRequest(api, access), identityAnswer, call)
        return identityOf(body)
      })
    },
    async revoke({ access, refresh }) {
      if (endsByApi && api !== undefined) {
        await ended(async () => tokenDeletion(api, access), {})
        return refresh ? 'access' : 'done'
      }
      const [token, kind] = refresh ? ([refresh, 'refresh_token'] as const) : ([access, 'access_token'] as const)
      const url = await server.endpoint('revocation').catch((thrown: unknown) => {
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
const deviceCodeOf = (body: Read<typeof deviceAnswer>): DeviceCode => ({
  deviceCode: new Secret(body.device_code),
  userCode: body.user_code,
  verificationUri: body.verification_uri,
  ...(body.verification_uri_complete === undefined ? {} : { verificationUriComplete: body.verification_uri_complete }),
  lifetimeMs: (body.expires_in || 600) * SECOND,
  intervalMs: Math.max(1, body.interval ?? 5) * SECOND,
})
