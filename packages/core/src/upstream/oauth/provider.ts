import { Secret } from '../../domain/secret.ts'
import { SECOND } from '../../domain/time.ts'
import { asGuestpassError, type GuestpassError } from '../../domain/errors.ts'
import type { Policy } from '../../policy/pipeline.ts'
import type { HttpRequest } from '../../ports/http.ts'
import { sendOnly, sendAndRead, type Network, type ReadOptions } from '../answer.ts'
import type { Read } from '../body.ts'
import { withHints } from './refusal-hints.ts'
import type { MethodMemory } from './client-auth-method.ts'
import type { RequestParts } from './sign-in-requests.ts'
import type { DeviceCode, OAuth, OAuthOptions } from './oauth-api.ts'
import type { ExtraParams } from './params.ts'
import { isUnnamed } from './server.ts'
import { type TokenCalls, createTokenCalls } from './token-calls.ts'
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

/**
 * Creates the calls of an organisation's OAuth server. Code that needs oauth4webapi is loaded when it is
 * called, because most processes sign no user in.
 */
export function createOAuth(options: OAuthOptions, policy: Policy, network: Network, memory: MethodMemory): OAuth {
  const calls = createTokenCalls(options, policy, network, memory)
  return { ...signIns(calls), ...renewals(calls), ...deviceSignIns(calls), ...ofTokens(calls) }
}

function signIns({
  options,
  requestTokens,
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
      const { checkCallback } = await import('./sign-in-checks.ts')
      checkCallback(query, client.id, await server.expected())
    },
    async checkIdToken(claims, nonce) {
      const { checkIdToken } = await import('./sign-in-checks.ts')
      await checkIdToken(claims, { ...(await server.expected()), clientId: client.id, nonce, maxAge })
    },
    authorizeUrl: async (ask) => authorizeUrl(await server.endpoint('authorize'), client.id, { ...ask, params }),
    async exchange({ hooks, ...code }) {
      const { codeRequest } = await import('./sign-in-requests.ts')
      return requestTokens({
        operation: 'exchange',
        repeatable: false,
        isSingle: true,
        spends: true,
        to: 'userToken',
        request: (making) => codeRequest(making, code),
        hooks,
        explain: explainExchange,
      })
    },
  }
}

const renewals = ({ requestTokens }: TokenCalls): Pick<OAuth, 'clientCredentials' | 'refresh'> => ({
  clientCredentials: (scopes, hooks, patienceMs) =>
    requestTokens({
      operation: 'token',
      repeatable: true,
      spends: false,
      to: 'clientToken',
      request: ({ url, authentication, params }) => clientCredentialsRequest(url, authentication, scopes, params),
      hooks,
      patienceMs,
    }),
  refresh: (refreshToken, { scopes, mayRepeat, hooks, patienceMs }) =>
    requestTokens({
      operation: 'refresh',
      repeatable: mayRepeat(),
      spends: true,
      mayRepeat,
      to: 'userToken',
      request: ({ url, authentication, params }) =>
        refreshTokenRequest(url, authentication, refreshToken, scopes, params),
      hooks,
      explain: explainRefresh,
      patienceMs,
    }),
})

function deviceSignIns(calls: TokenCalls): Pick<OAuth, 'deviceCode' | 'deviceToken'> {
  const { options, network, run, requestTokens, authenticated, requestParts } = calls
  const { client, server } = options
  return {
    async deviceCode(scopes) {
      const { deviceCodeRequest } = await import('./sign-in-requests.ts')
      const url = await server.endpoint('device')
      return authenticated((method) =>
        run({ operation: 'device', repeatable: true }, async (call) => {
          const request = await deviceCodeRequest(await requestParts(method, 'device', url), scopes)
          const advice = withHints(explainToken, { client, method, to: 'device', url })
          const { body } = await sendAndRead(network, request, deviceAnswer, call, deviceReading(advice))
          return deviceCodeOf(body)
        }),
      )
    },
    async deviceToken(deviceCode, hooks) {
      const { deviceTokenRequest } = await import('./sign-in-requests.ts')
      try {
        const request = (one: RequestParts) => deviceTokenRequest(one, deviceCode)
        const terms = { operation: 'device-token', repeatable: false, spends: true, explain: explainDevice }
        return { is: 'granted', granted: await requestTokens({ ...terms, to: 'userToken', request, hooks }) }
      } catch (thrown) {
        const code = (thrown as GuestpassError).upstream?.code
        if (code === 'authorization_pending') return { is: 'pending' }
        if (code === 'slow_down') return { is: 'slow_down' }
        throw thrown
      }
    },
  }
}

/** Calls about tokens that were issued before. */
function ofTokens({
  options,
  network,
  run,
  authenticated,
  authenticationFor,
}: TokenCalls): Pick<OAuth, 'identity' | 'probe' | 'revoke'> {
  const { api, client, endsByApi, server } = options
  /** The answer to a request that ends a token has no body. */
  const ended = (request: () => Promise<HttpRequest>, reading: ReadOptions): Promise<void> =>
    run({ operation: 'revoke', repeatable: true }, async (call) => sendOnly(network, await request(), call, reading))
  return {
    async identity(access) {
      if (api === undefined) return {}
      return run({ operation: 'users-me', rateLimitKey: 'api', repeatable: true }, async (call) => {
        const { body } = await sendAndRead(network, identityRequest(api, access), identityAnswer, call)
        return identityOf(body)
      })
    },
    async probe(access) {
      if (api === undefined) return undefined
      const terms = { operation: 'users-me', rateLimitKey: 'api', repeatable: true }
      try {
        await run(terms, (call) => sendOnly(network, identityRequest(api, access), call))
        return 200
      } catch (thrown) {
        const { status = 500 } = asGuestpassError(thrown).upstream ?? {}
        if (status >= 500) throw thrown
        return status
      }
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
      await authenticated((method) => {
        const request = async () => revocationRequest(url, await authenticationFor(method, 'revocation'), token, kind)
        return ended(request, revocationReading(withHints(explainToken, { client, method, to: 'revocation', url })))
      })
      return 'done'
    },
  }
}

function maxAgeOf({ max_age: value }: ExtraParams = {}): number | undefined {
  const seconds = Number([value].flat()[0] ?? Number.NaN)
  return Number.isFinite(seconds) && seconds >= 0 ? seconds : undefined
}

/** The interval between polls (RFC 8628, 3.2): 5 s by default, at least 1 s. */
const deviceCodeOf = (body: Read<typeof deviceAnswer>): DeviceCode => ({
  deviceCode: new Secret(body.device_code),
  userCode: body.user_code,
  verificationUri: body.verification_uri,
  ...(body.verification_uri_complete === undefined ? {} : { verificationUriComplete: body.verification_uri_complete }),
  lifetimeMs: (body.expires_in || 600) * SECOND,
  intervalMs: Math.max(1, body.interval ?? 5) * SECOND,
})
