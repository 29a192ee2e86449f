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
  origins,
  resourceOf,
  sourceSchema,
} from './bearer-token.ts'

/** A `fetch` of any implementation: they differ in the types of what they take and answer. */
export type AnyFetch = (input: never, init?: never) => Promise<unknown>
/** The platform's `fetch`, or another one with the types of its own. */
export type FetchLike<F extends AnyFetch> = F extends Fetch ? Fetch : F

export interface AuthorizedFetchOptions<F extends AnyFetch = Fetch> {
  /** Origins that may see the token, as `https://api.mypurecloud.ie`; requests to any other reject with `invalid_input`. */
  readonly origins: readonly string[]
  /** Sends the requests: another one than the platform's is called with an address and an init, never with a Request. Default: the platform's own. */
  readonly fetch?: F
}

const optionsSchema = object<AuthorizedFetchOptions<AnyFetch>>({
  origins,
  fetch: callable('Give a fetch, or leave it out.'),
})

/**
 * `fetch` with the access token of a source. A token that the resource refuses (401) is reported, and the request is sent once more with the
 * next one: the caller gets the answer to that. Where new tokens were refused by the same origin a short while ago, the caller gets the
 * 401. Any input and body that `fetch` takes may be given; members of `init` that only this `fetch` knows, as `dispatcher`, are handed on.
 * A stream is kept in memory until it is known that it need not be sent again. A redirect to another origin is followed without the
 * token, as `fetch` has it. Rejects with `invalid_input` and with the codes of the source. Throws
 * `config_invalid` for wrong options.
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
