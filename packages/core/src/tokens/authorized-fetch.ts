import type { Secret } from '../domain/secret.ts'
import { GuestpassError } from '../errors.ts'
import { type Fetch, systemFetch } from '../ports/system.ts'
import type { TokenSource } from './access-tokens.ts'

export interface AuthorizedFetchOptions {
  /** Origins that may see the token, as `https://api.mypurecloud.ie`; requests to any other reject with `invalid_input`. */
  readonly origins: readonly string[]
  /** Default: the platform's own. */
  readonly fetch?: Fetch
}

const REFUSED = 401

/**
 * `fetch` with the access token of a source. A token that the resource refuses (401) is reported, and the request is sent once more with the
 * next one: the caller gets the answer to that. Any body that `fetch` takes may be sent; a stream is kept in memory until it is known that it need
 * not be sent again. A redirect to another origin is followed without the token, as `fetch` has it. Rejects with `invalid_input` and with
 * the codes of the source.
 */
export function authorizedFetch(
  source: TokenSource,
  { origins, fetch: send = systemFetch }: AuthorizedFetchOptions,
): Fetch {
  const allowed = new Set(origins.map((origin) => new URL(origin).origin))

  async function sent(request: Request): Promise<{ readonly token: Secret; readonly response: Response }> {
    const { token } = await source.token({ signal: request.signal })
    request.headers.set('authorization', `Bearer ${token.reveal()}`)
    return { token, response: await send(request) }
  }

  return async (input, init) => {
    const request = new Request(input, init)
    refuseForeign(new URL(request.url).origin, allowed)
    const { token, response } = await sent(request.clone())
    if (response.status !== REFUSED) return response
    source.reportRejected(token)
    await response.body?.cancel()
    return (await sent(request)).response
  }
}

function refuseForeign(origin: string, allowed: ReadonlySet<string>): void {
  if (allowed.has(origin)) return
  const message = `is at ${origin}, which may not see the access token`
  const remedy = `Send requests to ${[...allowed].join(', ')}, or name the origin in \`origins\`.`
  throw new GuestpassError('invalid_input', `The address ${message}; nothing was sent.`, {
    fields: [{ field: 'input', message, remedy }],
  })
}
