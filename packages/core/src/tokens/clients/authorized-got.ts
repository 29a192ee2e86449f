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

/** The options of a request of got, as far as they are needed. */
interface GotOptions {
  readonly url?: string | URL | undefined
  readonly method?: string
  readonly signal?: AbortSignal | undefined
  readonly headers: Record<string, string | string[] | undefined>
  readonly body?: unknown
}

interface GotResponse {
  readonly url: string
  readonly statusCode: number
  readonly request: { readonly options: GotOptions }
}

/** Hooks of got, for `got.extend({ hooks })`. */
export interface GotHooks {
  readonly init: ((plain: { readonly body?: unknown }, options: object) => void)[]
  readonly beforeRequest: ((options: GotOptions) => Promise<void>)[]
  readonly afterResponse: (<R extends GotResponse>(
    response: R,
    retryWithMergedOptions: (options: { readonly preserveHooks: true }) => never,
  ) => R)[]
}

/**
 * Hooks that give got the access token of a source. A token that the resource refuses (401) is reported, and the request is sent once more
 * with the next one, unless new tokens were refused there a short while ago; the caller gets the answer to that. The retries of got
 * are as they are. Streams (`got.stream`, or as a body) carry the token and are not sent again. Requests reject as got has it, with the errors of the
 * source as `cause`.
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
      ({ body }, options) => {
        if (body instanceof FormData) forms.add(options)
      },
    ],
    beforeRequest: [
      async (options) => {
        const { url, signal, headers } = options
        if (url === undefined || !allowed.has(new URL(url).origin)) return
        headers['authorization'] = bearerOf((await source.token(signal ? { signal } : {})).token)
      },
    ],
    afterResponse: [
      (response, retryWithMergedOptions) => {
        const { options } = response.request
        const url = new URL(response.url)
        const token = tokenIn(options.headers['authorization'])
        if (!token || !allowed.has(url.origin)) return response
        const answered = { token, by: resourceOf(options.method ?? 'GET', url), status: response.statusCode }
        if (repeats.has(options)) {
          reportIfAccepted(source, answered)
          return response
        }
        if (!reportAndMayRepeat(source, answered) || (isReadUp(options.body) && !forms.has(options))) return response
        repeats.add(options)
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
