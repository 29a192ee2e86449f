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
   * The address of the API, which names the user and ends access tokens on the platform. Absent if it is not
   * known.
   */
  readonly api?: string
  readonly client: OAuthClient
  /** See `createMethodSelection`. */
  readonly clientAuth: 'auto' | ClientAuthMethod
  /** Whether the token endpoint is on a host of the public platform. */
  readonly platform: boolean
  /** Whether the API ends access tokens, as on the platform without a revocation endpoint. */
  readonly endsByApi: boolean
  /** Free parameters of requests to sign in (browser and device), and of token requests. */
  readonly authorizeParams?: ExtraParams | undefined
  readonly tokenParams?: ExtraParams | undefined
}

interface RefreshRequest {
  /** The scopes to request: those of the grant, or some of them. Default: all. */
  readonly scopes?: readonly string[]
  /** Whether the request may be sent again now although its answer was lost. */
  readonly mayRepeat: () => boolean
  readonly hooks: TryHooks
  /** How long the caller waits, in milliseconds. Default: as the policy says. */
  readonly patienceMs?: Millis | undefined
}

/** The answer to a device authorization request (RFC 8628, 3.2). */
export interface DeviceCode {
  readonly deviceCode: Secret
  readonly userCode: string
  readonly verificationUri: string
  readonly verificationUriComplete?: string
  readonly lifetimeMs: Millis
  readonly intervalMs: Millis
}

type DeviceAnswer =
  | { readonly is: 'pending' | 'slow_down' }
  | { readonly is: 'granted'; readonly granted: GrantedTokens }

export interface OAuth {
  readonly clientId: string
  /** The issuer whose discovery document is read, as it was given. Absent: none is read. */
  readonly issuer?: string | undefined
  /** The address to send a browser to. */
  authorizeUrl(ask: Omit<AuthorizeRequest, 'params'>): Promise<string>
  /**
   * Exchanges a code for tokens (RFC 6749, 4.1.3). It is sent once, except after a refused client, with the
   * other authentication method. Rejects with `sign_in_refused` if the upstream refuses the code, and with
   * `in_doubt` if it may have acted.
   */
  exchange(ask: CodeExchange & { readonly hooks: TryHooks }): Promise<GrantedTokens>
  /** Checks a callback before its code is sent, and the claims of an ID token. Reject with `ClaimFault`. */
  checkCallback(query: URLSearchParams): Promise<void>
  checkIdToken(claims: Readonly<Record<string, unknown>>, nonce: string | undefined): Promise<void>
  /** The greatest age of the user's sign-in, in seconds, if `max_age` is sent. */
  readonly maxAge?: number | undefined
  /**
   * Resolves when the token endpoint is known, and the key-set if the scopes bring an ID token. Called before
   * a code is used up.
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
   * Sends one request to the API, with an access token or without. Gives the status of an answer below 500.
   * Undefined if the address of the API is not known. Rejects as any call does.
   */
  probe(access?: Secret): Promise<number | undefined>
  /**
   * Ends a refresh token, else an access token. The result `access` means: only the access token could be
   * ended.
   */
  revoke(tokens: { readonly access: Secret; readonly refresh?: Secret }): Promise<'done' | 'access' | 'unsupported'>
  /** Gets an access token by client credentials (RFC 6749, 4.4). */
  clientCredentials(scopes: readonly string[], hooks: TryHooks, patienceMs?: Millis): Promise<GrantedTokens>
  /**
   * Gets the next tokens of a grant (RFC 6749, 6). Rejects with `needs_reauth` if the grant has ended, and
   * with `in_doubt` if the upstream may have acted.
   */
  refresh(refreshToken: Secret, ask: RefreshRequest): Promise<GrantedTokens>
}
