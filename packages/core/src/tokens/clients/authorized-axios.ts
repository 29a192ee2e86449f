import { refined, checkOptions, objectWithMethods, required, object } from '../../domain/options.ts'
import type { TokenSource } from '../access/access-tokens.ts'
import { absolute } from './fetch-request.ts'
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

/** What is needed of an instance of axios. */
export interface AxiosLike {
  readonly interceptors: { readonly request: AxiosInterceptors; readonly response: AxiosInterceptors }
  /** Sends a request. */
  request(config: never): Promise<unknown>
  /** The whole URL of a request. */
  getUri(config: never): string
}

const AXIOS = 'Give axios, or axios.create().'
const interceptor = required(objectWithMethods('an interceptor of axios', ['use', 'eject'], AXIOS))
const interceptors = object<AxiosLike['interceptors']>(
  { request: interceptor, response: interceptor },
  { open: true, remedy: AXIOS },
)
const axiosSchema = required(
  refined(objectWithMethods('an instance of axios', ['request', 'getUri'], AXIOS), (axios: AxiosLike, members) =>
    interceptors.faults(axios.interceptors, `${members}interceptors`),
  ),
)

/** The interceptors of axios for requests or for responses. */
export interface AxiosInterceptors {
  /** Adds an interceptor. The result is its number. */
  use(done: never, failed?: never): number
  /** Removes the interceptor of that number. */
  eject(id: number): void
}

/** A request as axios has it while it is under way. */
interface Config {
  readonly method?: string
  readonly data?: unknown
  readonly signal?: unknown
  readonly headers: { set(name: string, value: string): unknown; get(name: string): unknown }
  /** Set on the request that is sent a second time. */
  readonly guestpassRepeats?: true
}

interface AxiosResponse {
  readonly status: number
  readonly config: Config
  /** Where redirects led to, as Node or the browser says it. */
  readonly request?: { readonly res?: { readonly responseUrl?: string }; readonly responseURL?: string }
}

/**
 * Gives an instance of axios the access token of a source. The result removes the interceptors again.
 *
 * If the resource rejects a token (401), the request is sent once more with the next token, and the caller
 * gets the answer to that. During the back-off of an origin that also rejected new tokens (1 s, doubled up to
 * 5 min), the caller gets the 401.
 *
 * A body that is a stream is not sent again. If axios sends by `fetch`, a redirect to another origin is not
 * seen, and a 401 from there costs a renewal. Call this before you add other interceptors.
 *
 * `options.origins`: the origins that may see the token.
 *
 * Throws `config_invalid` for wrong options. Requests reject as those of axios, and with the codes of the
 * source.
 *
 * @example
 * ```ts
 * import { authorizedAxios, connection, memoryStore, resolveHosts, Secret } from '@guestpass/core'
 * import { nodePorts } from '@guestpass/core/node'
 * import axios from 'axios'
 *
 * const ports = nodePorts()
 * const { accessTokens } = await connection(
 *   {
 *     hosts: resolveHosts({ baseUrl: 'https://gateway.example.com' }),
 *     client: { id: 'my-client', secret: new Secret('my-secret') },
 *   },
 *   { ...ports, store: memoryStore() },
 * )
 * const client = axios.create({ baseURL: 'https://api.mypurecloud.ie' })
 * const remove = authorizedAxios(client, accessTokens, { origins: ['https://api.mypurecloud.ie'] })
 * // await client.get('/api/v2/users/me')
 * remove()
 * await ports.close()
 * ```
 */
export function authorizedAxios(axios: AxiosLike, source: TokenSource, options: AuthorizedOptions): () => void {
  checkOptions(
    'authorizedAxios',
    ['axios', axios, axiosSchema],
    ['source', source, sourceSchema],
    ['options', options, authorizedSchema],
  )
  const { origins } = options
  const allowed = allowedOrigins(origins)
  const urlOf = (config: Config): URL => new URL(absolute(axios.getUri(config as never)))

  const carrying = (config: Config): Config | Promise<Config> => {
    if (!allowed.has(urlOf(config).origin)) return config
    const { signal } = config
    return source.token(signal instanceof AbortSignal ? { signal } : {}).then(({ token }) => {
      config.headers.set('Authorization', bearerOf(token))
      return config
    })
  }

  /** The answer to the second send; undefined if the request is not sent again. */
  function repeated(response: AxiosResponse | undefined): Promise<unknown> | undefined {
    const token = tokenIn(response?.config.headers.get('Authorization'))
    if (!response || !token) return undefined
    const { config, status, request } = response
    const url = urlOf(config)
    const end = request?.res?.responseUrl ?? request?.responseURL ?? url.href
    // What a redirect led to has not seen the token.
    if (!allowed.has(url.origin) || new URL(absolute(end)).origin !== url.origin) return undefined
    const answered = { token, by: resourceOf(config.method ?? 'get', url), status }
    if (config.guestpassRepeats) reportIfAccepted(source, answered)
    if (config.guestpassRepeats || !reportAndMayRepeat(source, answered) || isStream(config.data)) return undefined
    // The body is what it is on the wire already.
    const again = { ...config, guestpassRepeats: true, transformRequest: [(data: unknown) => data] }
    return axios.request(again as never)
  }

  const heard = (answer: AxiosResponse): unknown => repeated(answer) ?? answer
  const failed = (error: unknown): Promise<unknown> =>
    repeated((error as { readonly response?: AxiosResponse } | undefined)?.response) ?? Promise.reject(error)
  const { request, response } = axios.interceptors
  const asking = request.use(carrying as never)
  const hearing = response.use(heard as never, failed as never)
  return () => {
    request.eject(asking)
    response.eject(hearing)
  }
}
