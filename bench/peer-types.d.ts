/**
 * What the benchmarks use of peers that only `npm run bench` installs, so that their programs are type-checked without
 * these packages. Versions: package.json of this folder.
 */
declare module '@azure/msal-node' {
  export interface AuthenticationResult {
    readonly accessToken: string
  }
  export interface TokenCacheContext {
    readonly tokenCache: { serialize(): string; deserialize(cache: string): void }
    readonly cacheHasChanged: boolean
  }
  export interface ICachePlugin {
    beforeCacheAccess(context: TokenCacheContext): Promise<void>
    afterCacheAccess(context: TokenCacheContext): Promise<void>
  }
  export interface NetworkRequestOptions {
    readonly headers?: Record<string, string>
    readonly body?: string
  }
  export interface NetworkResponse<T> {
    readonly headers: Record<string, string>
    readonly body: T
    readonly status: number
  }
  export interface INetworkModule {
    sendGetRequestAsync<T>(url: string, options?: NetworkRequestOptions): Promise<NetworkResponse<T>>
    sendPostRequestAsync<T>(url: string, options?: NetworkRequestOptions): Promise<NetworkResponse<T>>
  }
  export const ProtocolMode: { readonly AAD: 'AAD'; readonly OIDC: 'OIDC' }
  export class ConfidentialClientApplication {
    constructor(configuration: {
      readonly auth: {
        readonly clientId: string
        readonly clientSecret: string
        readonly authority: string
        readonly knownAuthorities: readonly string[]
      }
      readonly cache?: { readonly cachePlugin: ICachePlugin }
      readonly system?: { readonly networkClient: INetworkModule; readonly protocolMode: 'AAD' | 'OIDC' }
    })
    acquireTokenByClientCredential(request: { readonly scopes: string[] }): Promise<AuthenticationResult | null>
  }
}

declare module '@smithy/property-provider' {
  export function memoize<T>(
    provider: () => Promise<T>,
    isExpired: (resolved: T) => boolean,
    requiresRefresh?: (resolved: T) => boolean,
  ): () => Promise<T>
}

declare module 'google-auth-library' {
  export class OAuth2Client {
    refreshHandler?: () => Promise<{ readonly access_token: string; readonly expiry_date: number }>
    getAccessToken(): Promise<{ token?: string | null }>
  }
}

declare module 'axios-retry' {
  import type { AxiosError, AxiosInstance } from 'axios'
  export interface Options {
    readonly retries: number
    readonly retryDelay: (retryCount: number) => number
    readonly retryCondition: (error: AxiosError) => boolean
  }
  export function exponentialDelay(retryCount?: number): number
  export default function axiosRetry(client: AxiosInstance, options: Options): void
}

declare module 'aws-jwt-verify' {
  export interface AnyVerifier {
    cacheJwks(jwks: object): void
    verifySync(token: string): Readonly<Record<string, unknown>>
  }
  export const JwtVerifier: {
    create(options: { readonly issuer: string; readonly audience: null; readonly jwksUri: string }): AnyVerifier
  }
}

declare module 'fast-jwt' {
  export function createVerifier(options: {
    readonly key: string | Buffer
    readonly cache: boolean
    readonly algorithms: readonly string[]
    readonly allowedSub: string
    readonly requiredClaims: readonly string[]
  }): (token: string) => unknown
}

declare module 'jsonwebtoken' {
  import type { KeyObject } from 'node:crypto'
  const jsonwebtoken: {
    verify(
      token: string,
      key: KeyObject,
      options: { readonly algorithms: readonly string[]; readonly subject: string },
    ): unknown
  }
  export default jsonwebtoken
}

declare module 'bottleneck' {
  export default class Bottleneck {
    constructor(options: {
      readonly reservoir: number
      readonly reservoirRefreshAmount: number
      readonly reservoirRefreshInterval: number
      readonly minTime: number
    })
    on(
      name: 'failed',
      listener: (error: unknown, job: { readonly retryCount: number }) => Promise<number | undefined>,
    ): void
    schedule<T>(job: () => Promise<T>): Promise<T>
  }
}

declare module 'p-throttle' {
  export default function pThrottle(options: {
    readonly limit: number
    readonly interval: number
  }): <Work extends (...args: never[]) => unknown>(work: Work) => Work
}

declare module 'rate-limiter-flexible' {
  export interface Limiter {
    readonly points: number
  }
  export const RateLimiterMemory: new (options: { readonly points: number; readonly duration: number }) => Limiter
  export const RateLimiterQueue: new (limiter: Limiter) => { removeTokens(tokens: number): Promise<number> }
}
