import type { Secret } from '../../domain/secret.ts'
import { type GuestpassError } from '../../errors.ts'
import type { HttpRequest } from '../../ports/http.ts'
import { type Attempt, openCall, type Policy } from '../../policy/pipeline.ts'
import { exchange, type Explain, type Network } from '../answer.ts'
import type { Granted } from '../granted.ts'
import { once } from '../once.ts'
import {
  type Client,
  type ClientMethod,
  type AuthorizeAsk,
  authorizeUrl,
  clientCredentialsRequest,
  type CodeAsk,
  codeRequest,
  explainExchange,
  explainToken,
  grantedOf,
  refreshTokenRequest,
  tokenAnswer,
} from './wire.ts'

export interface OAuthOptions {
  readonly connection: string
  /** Where client-credentials tokens are asked for, and all others. */
  readonly tokenUrl: { readonly clientCredentials: string; readonly otherGrants: string }
  /** Where users are sent to sign in. */
  readonly authorizeUrl: string
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
  /** Whether the same request may be sent again although its answer was lost. */
  readonly repeatable: boolean
  /** Called just before each try is sent. */
  readonly onSend: () => void
}

export interface OAuth {
  readonly clientId: string
  /** Where to send a browser. */
  authorizeUrl(ask: AuthorizeAsk): string
  /** The tokens for a code (RFC 6749, 4.1.3). Rejects with `sign_in_refused` when upstream does not take it, with `in_doubt` when it may have acted; it is never sent twice. */
  exchange(ask: CodeAsk & { readonly onSend: () => void }): Promise<Granted>
  /** A new access token by client credentials (RFC 6749, 4.4). `onSend` is called just before each try is sent. */
  clientCredentials(scopes: readonly string[], onSend: () => void, signal: AbortSignal): Promise<Granted>
  /** The next tokens of a grant (RFC 6749, 6). Rejects with `needs_reauth` when the grant is over, with `in_doubt` when upstream may have acted. */
  refresh(refreshToken: Secret, ask: RefreshAsk): Promise<Granted>
}

/** One way to ask for tokens. */
interface Ask {
  readonly operation: string
  readonly repeatable: boolean
  /** Whether sending it uses something up, so that every end must say whether upstream may have acted. */
  readonly spends: boolean
  readonly request: (method: ClientMethod) => HttpRequest
  readonly onSend: () => void
  readonly explain?: Explain
  readonly signal?: AbortSignal
}

/** The OAuth token endpoint of an organisation. */
export function oauth(options: OAuthOptions, policy: Policy, network: Network, memory: Memory): OAuth {
  const { client, connection, tokenUrl } = options
  const ask = (one: Ask, method: ClientMethod): Promise<Granted> => {
    const { operation, repeatable, signal } = one
    const attempt: Attempt<Granted> = async (call) => {
      one.onSend()
      const { body, receipt } = await exchange(
        network,
        one.request(method),
        tokenAnswer,
        call,
        one.explain ?? explainToken,
      )
      return grantedOf(body, receipt)
    }
    const call = openCall({ connection, operation, lane: 'token', repeatable, signal })
    return one.spends ? once(policy, attempt, call) : policy(attempt)(call)
  }

  /** A refused client proves that nothing was done, so that the other way may be tried. */
  async function asked(one: Ask): Promise<Granted> {
    if (!client.secret) return ask(one, 'none')
    if (options.clientAuth !== 'auto') return ask(one, options.clientAuth)
    const first = (await memory.recall()) ?? (options.platform ? 'basic' : 'body')
    try {
      return await ask(one, first)
    } catch (thrown) {
      if ((thrown as GuestpassError).code !== 'client_rejected') throw thrown
      const other = first === 'basic' ? 'body' : 'basic'
      const granted = await ask(one, other)
      await memory.remember(other)
      return granted
    }
  }

  return {
    clientId: client.id,
    authorizeUrl: (one) => authorizeUrl(options.authorizeUrl, client.id, one),
    exchange: ({ onSend, ...code }) =>
      asked({
        operation: 'exchange',
        repeatable: false,
        spends: true,
        request: (method) => codeRequest(tokenUrl.otherGrants, client, method, code),
        onSend,
        explain: explainExchange,
      }),
    clientCredentials: (scopes, onSend, signal) =>
      asked({
        operation: 'token',
        repeatable: true,
        spends: false,
        request: (method) => clientCredentialsRequest(tokenUrl.clientCredentials, client, method, scopes),
        onSend,
        signal,
      }),
    refresh: (refreshToken, { scopes, repeatable, onSend }) =>
      asked({
        operation: 'refresh',
        repeatable,
        spends: true,
        request: (method) => refreshTokenRequest(tokenUrl.otherGrants, client, method, refreshToken, scopes),
        onSend,
      }),
  }
}
