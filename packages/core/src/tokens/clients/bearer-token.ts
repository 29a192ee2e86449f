import { objectWithMethods, list, required, object } from '../../domain/options.ts'
import { Secret } from '../../domain/secret.ts'
import { webAddress } from '../../domain/web-address.ts'
import { showsTokenAccepted } from '../../policy/authorize.ts'
import type { TokenSource } from '../access/access-tokens.ts'
import type { Resource } from '../access/rejections.ts'

/** Options of `authorizedAxios`, `authorizedGot` and `authorizedUndici`. */
export interface AuthorizedOptions {
  /**
   * The origins that may see the token, at least one, as `https://api.mypurecloud.ie`. Requests to any other
   * origin are sent without the token.
   */
  readonly origins: readonly string[]
}

/** What a source of access tokens is. */
export const sourceSchema = required(
  objectWithMethods(
    'a source of access tokens',
    ['token', 'reportRejected'],
    'Give the accessTokens of what `await connection(…)` gives.',
  ),
)
export const originsSchema = required(
  list(webAddress, 1, "Give the origins that may see the token, as ['https://api.mypurecloud.ie']."),
)
export const authorizedSchema = object<AuthorizedOptions>({ origins: originsSchema })

export const allowedOrigins = (origins: readonly string[]): ReadonlySet<string> =>
  new Set(origins.map((origin) => new URL(origin).origin))

/** How a resource answered a request that carried a token. */
export interface TokenOutcome {
  readonly token: Secret
  readonly by: Resource
  readonly status: number | undefined
}

const REFUSED = 401

/** Reports to the source that the resource accepted the token, if it did. */
export function reportIfAccepted(source: TokenSource, { token, by, status }: TokenOutcome): void {
  if (status !== undefined && showsTokenAccepted(status)) source.reportAccepted?.(token, by)
}

/** Reports to the source whether the resource accepted the token. Answers whether to send the request once more, with the next token. */
export function reportAndMayRepeat(source: TokenSource, answered: TokenOutcome): boolean {
  reportIfAccepted(source, answered)
  return answered.status === REFUSED && source.reportRejected(answered.token, answered.by) !== false
}

/** The resource of a request. */
export const resourceOf = (method: string, { origin, pathname }: URL): Resource => ({
  origin,
  name: `${method.toUpperCase()} ${pathname}`,
})

const SCHEME = 'Bearer '
export const bearerOf = (token: Secret): string => SCHEME + token.reveal()
/** The token in the header of a request; undefined where there is none of this kind. */
export const tokenIn = (authorization: unknown): Secret | undefined =>
  typeof authorization === 'string' && authorization.startsWith(SCHEME)
    ? new Secret(authorization.slice(SCHEME.length))
    : undefined

/** A body that is read up: of the web, or of Node. */
export const isStream = (body: unknown): boolean =>
  typeof body === 'object' && body !== null && ('getReader' in body || 'pipe' in body)
