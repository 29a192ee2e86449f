import { checkOptions, objectWithMethods, required } from '../../domain/options.ts'
import type { Secret } from '../../domain/secret.ts'
import type { TokenSource } from '../access/access-tokens.ts'
import type { Resource } from '../access/rejections.ts'
import { bearerOf, reportAndMayRepeat, reportIfAccepted, resourceOf, sourceSchema } from './bearer-token.ts'

/** What is needed of the `ApiClient` of Genesys' own SDK, `purecloud-platform-client-v2`. */
export interface SdkClient {
  /** Sets the token of the requests that follow. */
  setAccessToken(token: string): void
  /** Sends a request. Its arguments are passed on unchanged. */
  callApi(...args: never[]): Promise<unknown>
  /** What sends the requests of `callApi`. Rejects with the response for what is no success. Older versions have none. */
  getHttpClient?(): unknown
}

const clientSchema = required(
  objectWithMethods(
    'an ApiClient of the SDK',
    ['setAccessToken', 'callApi'],
    'Give platformClient.ApiClient.instance.',
  ),
)

/** A request as the SDK hands it to its HTTP client. */
interface SdkRequest {
  readonly url?: string
  readonly method?: string
  headers?: Record<string, string>
}

/** What is needed of its HTTP client. */
interface HttpClient {
  request(options: SdkRequest): Promise<unknown>
}

/** The status of an answer, or of what was thrown in its place: beside its body, or in the error of the HTTP library. */
const statusOf = (answered: unknown): number | undefined => {
  const { status, response } = (answered ?? {}) as {
    readonly status?: unknown
    readonly response?: { readonly status?: unknown }
  }
  const one = response?.status ?? status
  return typeof one === 'number' ? one : undefined
}

/** The adapters on a client, the one that was put on last at the end. */
interface Adapted {
  readonly sources: { readonly source: TokenSource }[]
  takeOff(): void
}

const adapted = new WeakMap<SdkClient, Adapted>()

/**
 * Gives every call of an `ApiClient` of Genesys' own SDK the access token of a source. The result removes the
 * adapter again.
 *
 * If a call is answered with 401, it is sent once more with the next token, and the caller gets the answer to
 * that. During the back-off of an origin that also rejected new tokens (1 s, doubled up to 5 min), the caller
 * gets the 401. Concurrent calls share one renewal. The SDK handles 429 and hooks as before. If a client has
 * several adapters, the last one is used.
 *
 * Throws `config_invalid` for wrong options.
 *
 * @example
 * ```ts
 * import { authorizedSdk, connection, memoryStore, resolveHosts, Secret } from '@guestpass/core'
 * import { nodePorts } from '@guestpass/core/node'
 * import sdk from 'purecloud-platform-client-v2'
 *
 * const ports = nodePorts()
 * const { accessTokens } = await connection(
 *   {
 *     hosts: resolveHosts({ baseUrl: 'https://gateway.example.com' }),
 *     client: { id: 'my-client', secret: new Secret('my-secret') },
 *   },
 *   { ...ports, store: memoryStore() },
 * )
 * const remove = authorizedSdk(sdk.ApiClient.instance, accessTokens)
 * // await new sdk.UsersApi().getUsersMe()
 * remove()
 * await ports.close()
 * ```
 */
export function authorizedSdk(client: SdkClient, source: TokenSource): () => void {
  checkOptions('authorizedSdk', ['client', client, clientSchema], ['source', source, sourceSchema])
  const of = adapted.get(client) ?? adapt(client)
  const own = { source }
  of.sources.push(own)
  return () => {
    const at = of.sources.indexOf(own)
    if (at >= 0) of.sources.splice(at, 1)
    if (of.sources.length === 0) of.takeOff()
  }
}

/** Puts one layer on the client, whichever sources drive it. */
function adapt(client: SdkClient): Adapted {
  const isOwn = Object.hasOwn(client, 'callApi')
  const original = client.callApi
  const sources: { readonly source: TokenSource }[] = []
  const callApi: SdkClient['callApi'] = async (...args) => {
    const source = sources.at(-1)?.source
    return source ? called(client, original, args, source) : original.apply(client, args)
  }
  const one: Adapted = {
    sources,
    takeOff() {
      // A layer that was put over this one stays, and this one hands on.
      if (client.callApi !== callApi) return
      adapted.delete(client)
      if (isOwn) client.callApi = original
      else delete (client as Partial<SdkClient>).callApi
    },
  }
  adapted.set(client, one)
  client.callApi = callApi
  return one
}

async function called(
  client: SdkClient,
  original: SdkClient['callApi'],
  args: never[],
  source: TokenSource,
): Promise<unknown> {
  const { token } = await source.token()
  // The client puts the token into the request before `callApi` returns, so that calls at the same time do not take each other's.
  client.setAccessToken(token.reveal())
  if (client.getHttpClient) return original.apply(sendingBy(client, source, token), args)
  return replayed({
    source,
    token,
    by: { origin: '' },
    send: (next) => {
      client.setAccessToken(next.reveal())
      return original.apply(client, args)
    },
  })
}

/** The client for one call, whose HTTP client replaces the token that was refused. */
function sendingBy(client: SdkClient, source: TokenSource, token: Secret): SdkClient {
  const http = client.getHttpClient?.() as HttpClient
  const request: HttpClient['request'] = (options) => {
    const { url = '', method = 'GET', headers = {} } = options
    const name = Object.keys(headers).find((key) => key.toLowerCase() === 'authorization')
    // A call that is made without the token, or with another one.
    if (name === undefined || headers[name] !== bearerOf(token)) return http.request(options)
    const send = (next: Secret): Promise<unknown> => {
      options.headers = { ...headers, [name]: bearerOf(next) }
      return http.request(options)
    }
    return replayed({ source, token, by: resourceOf(method, new URL(url)), send })
  }
  const sending = handingOn(http, { request })
  return handingOn(client, { getHttpClient: () => sending })
}

/** An object that is another one but for some members. */
const handingOn = <T extends object>(other: T, members: Partial<T>): T =>
  new Proxy(other, {
    get: (target, key) => (Object.hasOwn(members, key) ? Reflect.get(members, key) : Reflect.get(target, key)),
  })

/** How a request ended: with a status, if it is known, and an answer or an error. */
interface End {
  readonly status: number | undefined
  readonly give: () => unknown
}

const ended = (sent: Promise<unknown>): Promise<End> =>
  sent.then(
    (answer): End => ({ status: statusOf(answer) ?? 200, give: () => answer }),
    (thrown: unknown): End => ({
      status: statusOf(thrown),
      give() {
        throw thrown
      },
    }),
  )

/** Sends with the token and, where that is refused, once more with the next one. */
async function replayed(of: {
  readonly source: TokenSource
  readonly token: Secret
  readonly by: Resource
  readonly send: (token: Secret) => Promise<unknown>
}): Promise<unknown> {
  const { source, by, send } = of
  const first = await ended(send(of.token))
  if (!reportAndMayRepeat(source, { token: of.token, by, status: first.status })) return first.give()
  const { token } = await source.token()
  const second = await ended(send(token))
  reportIfAccepted(source, { token, by, status: second.status })
  return second.give()
}
