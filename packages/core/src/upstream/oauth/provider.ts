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
import {
  type Client,
  type ClientMethod,
  type AuthorizeAsk,
  authorizeUrl,
  clientCredentialsRequest,
  type CodeAsk,
  codeRequest,
  deviceAnswer,
  deviceCodeRequest,
  deviceReading,
  deviceTokenRequest,
  explainDevice,
  explainExchange,
  explainToken,
  grantedOf,
  type Identity,
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

export interface OAuthOptions {
  readonly connection: string
  /** Where client-credentials tokens are asked for, and all others. */
  readonly tokenUrl: { readonly clientCredentials: string; readonly otherGrants: string }
  /** Where users are sent to sign in. */
  readonly authorizeUrl: string
  /** RFC 8628 and RFC 7009. */
  readonly deviceUrl: string
  readonly revokeUrl: string
  /** The API, whose own call ends access tokens of the platform. */
  readonly api: string
  readonly client: Client
  /** `auto`: Basic on the platform's hosts, the form body elsewhere; when that is refused the other way is tried once and remembered. */
  readonly clientAuth: 'auto' | ClientMethod
  /** Whether the token endpoint is on a host of the public platform. */
  readonly platform: boolean
}

/** Where the way that worked is remembered. */
export interface Memory {
  recall(): Promise<ClientMethod | undefined>
  remember(method: ClientMethod): Promise<void>
}

export interface RefreshAsk {
  /** Those that the grant has, or fewer of them; all when absent. */
  readonly scopes?: readonly string[]
  /** Whether the same request may be sent again now although its answer was lost. */
  readonly mayRepeat: () => boolean
  readonly sending: Sending
  /** How long the caller waits, in milliseconds. Default: as the policy says. */
  readonly patienceMs?: Millis | undefined
}

/** What a device shows and asks with (RFC 8628, 3.2). */
export interface DeviceCode {
  readonly deviceCode: Secret
  readonly userCode: string
  readonly verificationUri: string
  readonly verificationUriComplete?: string
  readonly lifetimeMs: Millis
  readonly intervalMs: Millis
}

export type DeviceAnswer =
  | { readonly is: 'pending' | 'slow_down' }
  | { readonly is: 'granted'; readonly granted: Granted }

export interface OAuth {
  readonly clientId: string
  /** Where to send a browser. */
  authorizeUrl(ask: AuthorizeAsk): string
  /** The tokens for a code (RFC 6749, 4.1.3). Rejects with `sign_in_refused` when upstream does not take it, with `in_doubt` when it may have acted; it is never sent twice, but for naming the client in the other way when upstream refused the client. */
  exchange(ask: CodeAsk & { readonly sending: Sending }): Promise<Granted>
  deviceCode(scopes: readonly string[]): Promise<DeviceCode>
  /** Whether somebody has decided. Rejects with `sign_in_denied`, or with `sign_in_refused` when the time is up. */
  deviceToken(deviceCode: Secret, sending: Sending): Promise<DeviceAnswer>
  /** Whom an access token stands for, where upstream tells. Rejects as any call does. */
  identity(access: Secret): Promise<Identity>
  /** Ends a refresh token, or an access token where there is no other. */
  revoke(tokens: { readonly access: Secret; readonly refresh?: Secret }): Promise<'done' | 'unsupported'>
  /** A new access token by client credentials (RFC 6749, 4.4). */
  clientCredentials(scopes: readonly string[], sending: Sending, patienceMs?: Millis): Promise<Granted>
  /** The next tokens of a grant (RFC 6749, 6). Rejects with `needs_reauth` when the grant is over, with `in_doubt` when upstream may have acted. */
  refresh(refreshToken: Secret, ask: RefreshAsk): Promise<Granted>
}

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
  readonly request: (method: ClientMethod) => HttpRequest
  readonly sending: Sending
  readonly explain?: Explain
}

/** The OAuth token endpoint of an organisation. */
export function oauth(options: OAuthOptions, policy: Policy, network: Network, memory: Memory): OAuth {
  const { client, connection, tokenUrl } = options
  const ask = <T>(terms: Terms, attempt: Attempt<T>): Promise<T> =>
    policy(attempt)(openCall({ connection, lane: 'token', ...terms }))

  /** A call that may use something up if `spends`. */
  function sent<T>({ spends, mayRepeat, ...terms }: Spending, sending: Sending, attempt: Try<T>): Promise<T> {
    if (spends) return once(policy, attempt, openCall({ connection, lane: 'token', ...terms }), sending, mayRepeat)
    return ask(terms, (call) => attempt(call, sending.onSend))
  }

  /** The way that worked last in this process: then the memory that processes share is not asked. */
  let known: ClientMethod | undefined

  /** A refused client proves that nothing was done, so that the other way may be tried. */
  async function named<T>(send: (method: ClientMethod) => Promise<T>): Promise<T> {
    if (!client.secret) return send('none')
    if (options.clientAuth !== 'auto') return send(options.clientAuth)
    const first = known ?? (await memory.recall()) ?? (options.platform ? 'basic' : 'body')
    try {
      const answer = await send(first)
      known = first
      return answer
    } catch (thrown) {
      if ((thrown as GuestpassError).code !== 'client_rejected') throw thrown
      const other = first === 'basic' ? 'body' : 'basic'
      const answer = await send(other)
      known = other
      // What came must not be lost because the store cannot take a note.
      await memory.remember(other).catch(() => {})
      return answer
    }
  }

  const asked = ({ request, sending, explain = explainToken, ...terms }: Ask): Promise<Granted> =>
    named((method) =>
      sent(terms, sending, async (call, onSend) => {
        const { body, receipt } = await exchange(
          network,
          { ...request(method), onSend },
          tokenAnswer,
          call,
          tokenReading(explain),
        )
        return grantedOf(body, receipt)
      }),
    )

  /** What ends a token has an answer without a body. */
  const ended = (request: HttpRequest, reading: Reading): Promise<void> =>
    ask({ operation: 'revoke', repeatable: true }, (call) => acknowledge(network, request, call, reading))

  return {
    clientId: client.id,
    authorizeUrl: (one) => authorizeUrl(options.authorizeUrl, client.id, one),
    exchange: ({ sending, ...code }) =>
      asked({
        operation: 'exchange',
        repeatable: false,
        single: true,
        spends: true,
        request: (method) => codeRequest(tokenUrl.otherGrants, client, method, code),
        sending,
        explain: explainExchange,
      }),
    clientCredentials: (scopes, sending, patienceMs) =>
      asked({
        operation: 'token',
        repeatable: true,
        spends: false,
        request: (method) => clientCredentialsRequest(tokenUrl.clientCredentials, client, method, scopes),
        sending,
        patienceMs,
      }),
    refresh: (refreshToken, { scopes, mayRepeat, sending, patienceMs }) =>
      asked({
        operation: 'refresh',
        repeatable: mayRepeat(),
        spends: true,
        mayRepeat,
        request: (method) => refreshTokenRequest(tokenUrl.otherGrants, client, method, refreshToken, scopes),
        sending,
        patienceMs,
      }),
    deviceCode: (scopes) =>
      named((method) =>
        ask({ operation: 'device', repeatable: true }, async (call) => {
          const request = deviceCodeRequest(options.deviceUrl, client, method, scopes)
          const { body } = await exchange(network, request, deviceAnswer, call, deviceReading)
          return deviceCodeOf(body)
        }),
      ),
    async deviceToken(deviceCode, sending) {
      try {
        const request = (method: ClientMethod) => deviceTokenRequest(tokenUrl.otherGrants, client, method, deviceCode)
        const terms = { operation: 'device-token', repeatable: false, spends: true, explain: explainDevice }
        return { is: 'granted', granted: await asked({ ...terms, request, sending }) }
      } catch (thrown) {
        const code = (thrown as GuestpassError).upstream?.code
        if (code === 'authorization_pending') return { is: 'pending' }
        if (code === 'slow_down') return { is: 'slow_down' }
        throw thrown
      }
    },
    identity: (access) =>
      ask({ operation: 'users-me', lane: 'api', repeatable: true }, async (call) => {
        const { body } = await exchange(network, identityRequest(options.api, access), identityAnswer, call)
        return identityOf(body)
      }),
    async revoke({ access, refresh }) {
      if (options.platform) {
        await ended(tokenDeletion(options.api, access), {})
        return refresh ? 'unsupported' : 'done'
      }
      const [token, kind] = refresh ? ([refresh, 'refresh_token'] as const) : ([access, 'access_token'] as const)
      await named((method) =>
        ended(revocationRequest(options.revokeUrl, client, method, token, kind), revocationReading),
      )
      return 'done'
    },
  }
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
