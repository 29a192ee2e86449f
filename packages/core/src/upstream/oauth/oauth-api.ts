import type { Secret } from '../../domain/secret.ts'
import type { Millis } from '../../domain/time.ts'
import type { GrantedTokens } from '../granted-tokens.ts'
import type { TryHooks } from '../try-hooks.ts'
import type { OAuthClient, ClientAuthMethod } from './client.ts'
import type { CodeExchange } from './sign-in-requests.ts'
import type { ExtraParams } from './params.ts'
import type { AuthorizationServer } from './server.ts'
import type { AuthorizeRequest, Identity } from './wire.ts'

export interface OAuthOptions {
  readonly connection: string
  readonly server: AuthorizationServer
  /**
   * The API, whose own calls name the user and end access tokens of the platform; absent where none is known.
   */
  readonly api?: string
  readonly client: OAuthClient
  /** See `clientWays`. */
  readonly clientAuth: 'auto' | ClientAuthMethod
  /** Whether the token endpoint is on a host of the public platform. */
  readonly platform: boolean
  /** Whether the API ends access tokens, as that of the platform does where no revocation endpoint is set. */
  readonly endsByApi: boolean
  /** Free parameters of requests to sign in (browser and device), and of token requests. */
  readonly authorizeParams?: ExtraParams | undefined
  readonly tokenParams?: ExtraParams | undefined
}

export interface RefreshRequest {
  /** Those that the grant has, or fewer of them; all when absent. */
  readonly scopes?: readonly string[]
  /** Whether the same request may be sent again now although its answer was lost. */
  readonly mayRepeat: () => boolean
  readonly hooks: TryHooks
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
  | { readonly is: 'granted'; readonly granted: GrantedTokens }

export interface OAuth {
  readonly clientId: string
  /** The issuer whose discovery document is read, as it was given; absent where none is. */
  readonly issuer?: string | undefined
  /** Where to send a browser. */
  authorizeUrl(ask: Omit<AuthorizeRequest, 'params'>): Promise<string>
  /**
   * The tokens for a code (RFC 6749, 4.1.3). Rejects with `sign_in_refused` when upstream does not take it,
   * with `in_doubt` when it may have acted; it is never sent twice, but for naming the client in the other
   * way when upstream refused the client.
   */
  exchange(ask: CodeExchange & { readonly hooks: TryHooks }): Promise<GrantedTokens>
  /** Checks a callback before its code is sent, and the claims of an ID token. Reject with `ClaimFault`. */
  checkCallback(query: URLSearchParams): Promise<void>
  checkIdToken(claims: Readonly<Record<string, unknown>>, nonce: string | undefined): Promise<void>
  /** How old the sign-in of the user may be, in seconds, where `max_age` is sent. */
  readonly maxAge?: number | undefined
  /**
   * Resolves when it is known where a code is exchanged, and where the keys are of an ID token that comes for
   * the scopes. Asked before a code is used up.
   */
  ready(scopes: readonly string[]): Promise<void>
  deviceCode(scopes: readonly string[]): Promise<DeviceCode>
  /**
   * The tokens, once the user has approved; undefined until then. Rejects with `sign_in_denied`, and with
   * `sign_in_refused` when the time is up.
   */
  deviceToken(deviceCode: Secret, hooks: TryHooks): Promise<DeviceAnswer>
  /**
   * The user and organisation of an access token; empty if the upstream does not say. Rejects as any call
   * does.
   */
  identity(access: Secret): Promise<Identity>
  /**
   * Ends a refresh token, or an access token where there is no other. `access`: the access token alone, the
   * refresh token cannot be ended.
   */
  revoke(tokens: { readonly access: Secret; readonly refresh?: Secret }): Promise<'done' | 'access' | 'unsupported'>
  /** A new access token by client credentials (RFC 6749, 4.4). */
  clientCredentials(scopes: readonly string[], hooks: TryHooks, patienceMs?: Millis): Promise<GrantedTokens>
  /**
   * The next tokens of a grant (RFC 6749, 6). Rejects with `needs_reauth` when the grant is over, with
   * `in_doubt` when upstream may have acted.
   */
  refresh(refreshToken: Secret, ask: RefreshRequest): Promise<GrantedTokens>
}
