import { checkOptions } from '../../domain/options.ts'
import type { TokenSource } from '../access/access-tokens.ts'
import {
  allowedOrigins,
  authorizedSchema,
  type AuthorizedOptions,
  bearerOf,
  isStream,
  reportAndMayRepeat,
  reportIfAccepted,
  resourceOf,
  sourceSchema,
  tokenIn,
} from './bearer-token.ts'

/** The options of a request of got, as hooks get them. */
export interface GotOptions {
  readonly url?: string | URL | undefined
  readonly method?: string
  readonly signal?: AbortSignal | undefined
  readonly headers: Record<string, string | string[] | undefined>
  readonly body?: unknown
}

/** A response of got, as hooks get it. */
export interface GotResponse {
  readonly url: string
  readonly statusCode: number
  readonly request: { readonly options: GotOptions }
}

/** Hooks of got, for `got.extend({ hooks })`. */
export interface GotHooks {
  /** Before got merges the options of a request. */
  readonly init: ((plain: { readonly body?: unknown }, options: object) => void)[]
  /** Before each request, its retries included. */
  readonly beforeRequest: ((options: GotOptions) => Promise<void>)[]
  /** After each response. */
  readonly afterResponse: (<R extends GotResponse>(
    response: R,
    retryWithMergedOptions: (options: { readonly preserveHooks: true }) => never,
  ) => R)[]
}

/**
 * Makes hooks that give got the access token of a source, for `got.extend({ hooks })`.
 *
 * If the resource rejects a token (401), the request is sent once more with the next token, and the caller
 * gets the answer to that. During the back-off of an origin that also rejected new tokens (1 s, doubled up to
 * 5 min), the caller gets the 401.
 *
 * The retries of got do not change. Streams (`got.stream`, or as a body) carry the token and are not sent
 * again.
 *
 * `options.origins`: the origins that may see the token.
 *
 * Throws `config_invalid` for wrong options. Requests reject as those of got, with the error of the source as
 * `cause`.
 *
 * @example
 * ```ts
 * import { authorizedGot, connection, memoryStore, resolveHosts, Secret } from '@guestpass/core'
 * import { nodePorts } from '@guestpass/core/node'
 * import got from 'got'
 *
 * const ports = nodePorts()
 * const { accessTokens } = await connection(
 *   {
 *     hosts: resolveHosts({ baseUrl: 'https://gateway.example.com' }),
 *     client: { id: 'my-client', secret: new Secret('my-secret') },
 *   },
 *   { ...ports, store: memoryStore() },
 * )
 * const client = got.extend({ hooks: authorizedGot(accessTokens, { origins: ['https://api.mypurecloud.ie'] }) })
 * console.log(typeof client.get) // await client.get('https://api.mypurecloud.ie/api/v2/users/me')
 * await ports.close()
 * ```
 */
export function authorizedGot(source: TokenSource, options: AuthorizedOptions): GotHooks {
  checkOptions('authorizedGot', ['source', source, sourceSchema], ['options', options, authorizedSchema])
  const { origins } = options
  const allowed = allowedOrigins(origins)
  /** Options of requests that are sent a second time. */
  const repeats = new WeakSet<object>()
  /** Options of requests whose body is a form. */
  const forms = new WeakSet<object>()
  return {
    init: [
      // Later a form looks like any stream, but got writes it anew for each send.
      ({ body }, gotOptions) => {
        if (body instanceof FormData) forms.add(gotOptions)
      },
    ],
    beforeRequest: [
      async ({ url, signal, headers }) => {
        if (url === undefined || !allowed.has(new URL(url).origin)) return
        headers['authorization'] = bearerOf((await source.token(signal ? { signal } : {})).token)
      },
    ],
    afterResponse: [
      (response, retryWithMergedOptions) => {
        const sent = response.request.options
        const url = new URL(response.url)
        const token = tokenIn(sent.headers['authorization'])
        if (!token || !allowed.has(url.origin)) return response
        const answered = { token, by: resourceOf(sent.method ?? 'GET', url), status: response.statusCode }
        if (repeats.has(sent)) {
          reportIfAccepted(source, answered)
          return response
        }
        if (!reportAndMayRepeat(source, answered) || (isReadUp(sent.body) && !forms.has(sent))) return response
        repeats.add(sent)
        return retryWithMergedOptions({ preserveHooks: true })
      },
    ],
  }
}

/** A body that was read up by the first send: a stream, or chunks that come one by one. */
const isReadUp = (body: unknown): boolean =>
  isStream(body) ||
  (typeof body === 'object' &&
    body !== null &&
    !ArrayBuffer.isView(body) &&
    (Symbol.asyncIterator in body || Symbol.iterator in body))
