import type { Dispatcher } from 'undici'
import { checkOptions, anyOf, schema, millis, object, integer } from '../domain/options.ts'
import { type Millis, SECOND } from '../domain/time.ts'
import { type Http, HttpFault } from '../ports/http.ts'
import { systemClock } from '../ports/system.ts'
import { sendRequest } from './exchange.ts'
import type * as Undici from './agent.ts'
import { environment } from './environment.ts'
import { proxies, type ProxyVariables, variablesSchema } from './proxies.ts'
import { withoutCoding } from './content-coding.ts'
import { USER_AGENT } from './user-agent.ts'

/** The default time limit for making a connection. */
export const CONNECT_TIMEOUT: Millis = 5 * SECOND

/** How the HTTP port of Node connects. */
export interface NodeHttpOptions {
  /** How many connections to each host are kept open. 1 to 65,535, default 64. */
  readonly connections?: number
  /**
   * Which proxies are used. An object: those of its members HTTPS_PROXY, HTTP_PROXY and NO_PROXY. `true`:
   * those of the environment variables of the process. `false`: none. Loopback is never reached through a
   * proxy. Default true.
   */
  readonly proxy?: boolean | ProxyVariables
  /** The time limit for name, TCP, proxy and TLS together, in milliseconds. At least 1, default 5 s. */
  readonly connectTimeoutMs?: Millis
}

export const nodeHttpSchema = object<NodeHttpOptions>({
  connections: integer(1, 65_535),
  proxy: anyOf(
    schema(
      'true, false or variables',
      (value) => typeof value === 'boolean',
      'Give true, false, or the variables of a process.',
    ),
    variablesSchema,
  ),
  connectTimeoutMs: millis(1),
})

/** An HTTP port on connections that are kept open. */
export interface NodeHttp {
  /** Sends requests. */
  readonly http: Http
  /** Ends the connections that are kept open. */
  close(): Promise<void>
}

/**
 * Makes the HTTP port of Node: undici with HTTP/1.1 and connections that are kept open.
 *
 * @param options see `NodeHttpOptions`
 * @returns the port, and `close`, which ends the connections
 *
 * Throws `config_invalid` for wrong options, and when a variable is not the address of a proxy.
 *
 * @example
 * ```ts
 * import { nodeHttp } from '@guestpass/core/node'
 *
 * const { http, close } = nodeHttp({ proxy: false })
 * console.log(typeof http)
 * await close()
 * ```
 */
export function nodeHttp(options: NodeHttpOptions = {}): NodeHttp {
  checkOptions('nodeHttp', ['options', options, nodeHttpSchema])
  const { connections = 64, proxy = true, connectTimeoutMs: timeoutMs = CONNECT_TIMEOUT } = options
  const variables = proxy === true ? environment() : proxy
  const proxied = variables === false ? {} : { proxyOf: proxies(variables) }
  return undiciHttp(({ Agent, connector }) => {
    const connect = connector({ timeoutMs, clock: systemClock(), ...proxied })
    return new Agent({ connections, connect, maxHeaderSize: MAX_HEADER_BYTES })
  })
}

/**
 * The limit for the headers of an answer. It is above that of Node, because gateways add long cookies and
 * policies.
 */
const MAX_HEADER_BYTES = 262_144

const defaults = { 'user-agent': USER_AGENT, 'accept-encoding': 'identity' }

/**
 * Makes an HTTP port on a dispatcher of undici. undici is imported for the first request, so that a process
 * that sends none starts sooner.
 *
 * @param make makes the dispatcher, whose connections a `connector` makes
 */
export function undiciHttp(make: (undici: typeof Undici) => Dispatcher): NodeHttp {
  let agent: Dispatcher | undefined
  let making: Promise<Dispatcher> | undefined
  let isClosed = false
  return {
    async http({ method, url, headers, body, onSend }, signal) {
      const { origin, pathname, search } = address(url)
      const options = {
        origin,
        path: pathname + search,
        method,
        headers: { ...defaults, ...headers },
        body: body ?? null,
      }
      if (isClosed) throw new HttpFault('unsent', 'the HTTP client is closed')
      making ??= import('./agent.ts').then(make)
      agent ??= await making
      return withoutCoding(await sendRequest(agent, options, signal, onSend))
    },
    async close() {
      isClosed = true
      await (await making)?.close()
    },
  }
}

/** The message does not repeat the URL, which may hold a secret. */
function address(url: string): URL {
  if (URL.canParse(url)) return new URL(url)
  throw new HttpFault('unsent', 'Invalid URL')
}
