import { checkOptions } from '../../domain/options.ts'
import type { Secret } from '../../domain/secret.ts'
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
} from './bearer-token.ts'

/** What a dispatcher of undici is asked for. */
interface DispatchOptions {
  readonly origin?: string | URL
  readonly path: string
  readonly method: string
  readonly headers?: unknown
  readonly body?: unknown
  readonly signal?: unknown
}

/** Hears of one request: `onRequestStart`, `onResponseStart`, … (undici 7 and 8). */
type Handler = Readonly<Record<string, ((...args: unknown[]) => void) | undefined>>
type Dispatch = (options: DispatchOptions, handler: Handler) => boolean
/** A dispatch function of any version. */
export type AnyDispatch = (options: never, handler: never) => boolean

/** What is handed on to the handler of the caller as it comes. */
const HANDED_ON = ['onRequestStart', 'onRequestUpgrade', 'onResponseStarted', 'onBodySent', 'onRequestSent'] as const

/**
 * Makes an interceptor that gives the requests of an undici dispatcher the access token of a source:
 * `new Agent().compose(authorizedUndici(…))`. For `fetch` use `authorizedFetch`.
 *
 * If the resource rejects a token (401), the request is sent once more with the next token, and the caller
 * gets the answer to that. During the back-off of an origin that also rejected new tokens (1 s, doubled up to
 * 5 min), the caller gets the 401.
 *
 * A body that is a stream or an iterator is not sent again. Compose it before interceptors that follow
 * redirects or retry.
 *
 * `options.origins`: the origins that may see the token.
 *
 * Throws `config_invalid` for wrong options. Errors of the source reject the request.
 *
 * @example
 * ```ts
 * import { authorizedUndici, connection, memoryStore, resolveHosts, Secret } from '@guestpass/core'
 * import { nodePorts } from '@guestpass/core/node'
 * import { Agent } from 'undici'
 *
 * const ports = nodePorts()
 * const { accessTokens } = await connection(
 *   {
 *     hosts: resolveHosts({ baseUrl: 'https://gateway.example.com' }),
 *     client: { id: 'my-client', secret: new Secret('my-secret') },
 *   },
 *   { ...ports, store: memoryStore() },
 * )
 * const agent = new Agent().compose(authorizedUndici(accessTokens, { origins: ['https://api.mypurecloud.ie'] }))
 * // await agent.request({ origin: 'https://api.mypurecloud.ie', path: '/api/v2/users/me', method: 'GET' })
 * await agent.close()
 * await ports.close()
 * ```
 */
export function authorizedUndici(
  source: TokenSource,
  options: AuthorizedOptions,
): <D extends AnyDispatch>(dispatch: D) => D {
  checkOptions('authorizedUndici', ['source', source, sourceSchema], ['options', options, authorizedSchema])
  const { origins } = options
  const allowed = allowedOrigins(origins)
  return <D extends AnyDispatch>(next: D): D => {
    const dispatch = next as unknown as Dispatch
    const authorized: Dispatch = (request, handler) => {
      const { origin, path, method, signal } = request
      if (origin === undefined || !allowed.has(new URL(origin).origin)) return dispatch(request, handler)
      const by = resourceOf(method, new URL(path, origin))
      const send = async (handlerOf: (token: Secret) => Handler): Promise<void> => {
        try {
          const { token } = await source.token(signal instanceof AbortSignal ? { signal } : {})
          dispatch({ ...request, headers: withBearer(request.headers, bearerOf(token)) }, handlerOf(token))
        } catch (thrown) {
          // No request has begun that a controller could be of.
          handler['onResponseError']?.(null, thrown)
        }
      }
      const last = (token: Secret): Handler =>
        watching(
          handler,
          (status) => (reportIfAccepted(source, { token, by, status }), false),
          () => {},
        )
      const first = (token: Secret): Handler => {
        const isRefused = (status: number): boolean =>
          reportAndMayRepeat(source, { token, by, status }) && isRepeatable(request.body)
        return watching(handler, isRefused, () => void send(last))
      }
      void send(first)
      return true
    }
    return authorized as unknown as D
  }
}

/** A handler that drops the answer which `isDropped`, and then does something else. */
function watching(handler: Handler, isDropped: (status: number) => boolean, instead: () => void): Handler {
  let dropped = false
  const handOn =
    (name: string) =>
    (...args: unknown[]): void =>
      handler[name]?.(...args)
  const end =
    (name: string) =>
    (...args: unknown[]): void =>
      dropped ? instead() : handler[name]?.(...args)
  return {
    ...Object.fromEntries(HANDED_ON.map((name) => [name, handOn(name)])),
    onResponseStart(...args) {
      dropped = isDropped(args[1] as number)
      if (!dropped) handler['onResponseStart']?.(...args)
    },
    onResponseData(...args) {
      if (!dropped) handler['onResponseData']?.(...args)
    },
    onResponseEnd: end('onResponseEnd'),
    onResponseError: end('onResponseError'),
  }
}

const isRepeatable = (body: unknown): boolean =>
  !isStream(body) &&
  (typeof body !== 'object' ||
    body === null ||
    body instanceof Uint8Array ||
    !(Symbol.asyncIterator in body || 'next' in body))

/** Headers as undici takes them: a flat list, pairs, or an object. */
function withBearer(headers: unknown, bearer: string): unknown {
  const isOther = ([name]: readonly unknown[]): boolean => String(name).toLowerCase() !== 'authorization'
  return [...pairsIn(headers).filter(isOther), ['authorization', bearer]].flat()
}

function pairsIn(headers: unknown): readonly (readonly unknown[])[] {
  if (typeof headers !== 'object' || headers === null) return []
  if (Array.isArray(headers) && !Array.isArray(headers[0]))
    return Array.from({ length: headers.length / 2 }, (_, nth) => [headers[nth * 2], headers[nth * 2 + 1]])
  return Symbol.iterator in headers ? [...(headers as Iterable<readonly unknown[]>)] : Object.entries(headers)
}
