import { callable, checkOptions, object } from '../../domain/options.ts'
import { GuestpassError } from '../../domain/errors.ts'
import { type Fetch, systemFetch } from '../../ports/system.ts'
import type { TokenSource } from '../access/access-tokens.ts'
import { plainRequest } from './fetch-request.ts'
import {
  allowedOrigins,
  type TokenOutcome,
  bearerOf,
  reportAndMayRepeat,
  reportIfAccepted,
  originsSchema,
  resourceOf,
  sourceSchema,
} from './bearer-token.ts'

/** A `fetch` of any implementation: they differ in the types of what they take and answer. */
export type AnyFetch = (input: never, init?: never) => Promise<unknown>
/** The platform's `fetch`, or another one with the types of its own. */
export type FetchLike<F extends AnyFetch> = F extends Fetch ? Fetch : F

/** Options of `authorizedFetch`. */
export interface AuthorizedFetchOptions<F extends AnyFetch = Fetch> {
  /**
   * The origins that may see the token, at least one, as `https://api.mypurecloud.ie`. Requests to any other
   * origin reject with `invalid_input`.
   */
  readonly origins: readonly string[]
  /**
   * Sends the requests. A given function is called with an address and an init, never with a `Request`.
   * Default: the `fetch` of the platform.
   */
  readonly fetch?: F
}

const optionsSchema = object<AuthorizedFetchOptions<AnyFetch>>({
  origins: originsSchema,
  fetch: callable('Give a fetch, or leave it out.'),
})

/**
 * Gives a `fetch` that sends the access token of a source.
 *
 * If the resource rejects a token (401), the request is sent once more with the next token, and the caller
 * gets the answer to that. During the back-off of an origin that also rejected new tokens (1 s, doubled up to
 * 5 min), the caller gets the 401. The input and the body may be anything that `fetch` takes; members of
 * `init` that only this `fetch` knows, as `dispatcher`, are passed on. A stream stays in memory until it is
 * known that it is not sent again. A redirect to another origin is followed without the token.
 *
 * `options.origins`: the origins that may see the token. `options.fetch`: default the `fetch` of the platform.
 *
 * Throws `config_invalid` for wrong options. The result rejects with `invalid_input`, and with the codes of the
 * source.
 *
 * @example
 * ```ts
 * import { authorizedFetch, connection, memoryStore, resolveHosts, Secret } from '@guestpass/core'
 * import { nodePorts } from '@guestpass/core/node'
 *
 * const ports = nodePorts()
 * const { accessTokens } = await connection(
 *   {
 *     hosts: resolveHosts({ baseUrl: 'https://gateway.example.com' }),
 *     client: { id: 'my-client', secret: new Secret('my-secret') },
 *   },
 *   { ...ports, store: memoryStore() },
 * )
 * const fetchWithToken = authorizedFetch(accessTokens, { origins: ['https://api.mypurecloud.ie'] })
 * console.log(typeof fetchWithToken) // await fetchWithToken('https://api.mypurecloud.ie/api/v2/users')
 * await ports.close()
 * ```
 */
export function authorizedFetch<F extends AnyFetch = Fetch>(
  source: TokenSource,
  options: AuthorizedFetchOptions<F>,
): FetchLike<F> {
  checkOptions('authorizedFetch', ['source', source, sourceSchema], ['options', options, optionsSchema])
  const { fetch } = options
  const allowed = allowedOrigins(options.origins)
  const send = (fetch ?? systemFetch) as unknown as Fetch
  const isForeign = send !== systemFetch && send !== globalThis.fetch

  const authorized: Fetch = async (input, init) => {
    const request = await plainRequest(input, init, isForeign)
    const { url, signal } = request
    try {
      refuseForeign(url, allowed)
      const by = resourceOf(request.method, url)
      const sent = async (): Promise<TokenOutcome & { readonly response: Response }> => {
        const { token } = await source.token({ signal })
        const response = await send(...request.next(bearerOf(token)))
        // What a redirect led to has not seen the token.
        const isOwn = !response.redirected || new URL(response.url).origin === url.origin
        return { token, by, status: isOwn ? response.status : undefined, response }
      }
      const first = await sent()
      if (!reportAndMayRepeat(source, first)) return first.response
      await first.response.body?.cancel().catch(() => {})
      const second = await sent()
      reportIfAccepted(source, second)
      return second.response
    } finally {
      request.end()
    }
  }
  return authorized as FetchLike<F>
}

/** Throws `invalid_input` for an address that may not see the token. */
function refuseForeign({ origin }: URL, allowed: ReadonlySet<string>): void {
  if (allowed.has(origin)) return
  const message = `is at ${origin}, which may not see the access token`
  const remedy = `Send requests to ${[...allowed].join(', ')}, or name the origin in \`origins\`.`
  throw new GuestpassError('invalid_input', `The address ${message}; nothing was sent.`, {
    fields: [{ field: 'input', message, remedy }],
  })
}
