import type { Dispatcher } from 'undici'
import { checkOptions, anyOf, schema, millis, object, integer } from '../domain/options.ts'
import { type Millis, SECOND } from '../domain/time.ts'
import { type Http, HttpFault } from '../ports/http.ts'
import { systemClock } from '../ports/system.ts'
import { sendRequest } from './exchange.ts'
import type * as Parts from './agent.ts'
import { environment } from './environment.ts'
import { proxies, type ProxyVariables, variablesSchema } from './proxies.ts'
import { withoutCoding } from './content-coding.ts'
import { USER_AGENT } from './user-agent.ts'

/** How long a connection may take to be made, in milliseconds. */
export const CONNECT_TIMEOUT: Millis = 5 * SECOND

export interface NodeHttpOptions {
  /** Connections kept open for each host. Default 64. */
  readonly connections?: number
  /**
   * Goes through the proxy that HTTPS_PROXY, HTTP_PROXY and NO_PROXY of these variables name; true: of the process's. Loopback is never
   * reached through a proxy. Default true.
   */
  readonly proxy?: boolean | ProxyVariables
  /** How long making a connection may take: name, TCP, proxy and TLS together. Milliseconds, default 5 s. */
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

/** The HTTP port of Node: undici with connections kept open. `close` ends them. Throws `config_invalid` for wrong options, and when a variable names no proxy. */
export function nodeHttp(options: NodeHttpOptions = {}): { readonly http: Http; close(): Promise<void> } {
  checkOptions('nodeHttp', ['options', options, nodeHttpSchema])
  const { connections = 64, proxy = true, connectTimeoutMs: timeoutMs = CONNECT_TIMEOUT } = options
  const variables = proxy === true ? environment() : proxy
  const proxied = variables === false ? {} : { proxyOf: proxies(variables) }
  return undiciHttp(({ Agent, connector }) => {
    const connect = connector({ timeoutMs, clock: systemClock(), ...proxied })
    return new Agent({ connections, connect, maxHeaderSize: MAX_HEADER_BYTES })
  })
}

/** Of an answer. More than Node reads by default: cookies and policies of gateways must not cost what the answer brings. */
const MAX_HEADER_BYTES = 262_144

const defaults = { 'user-agent': USER_AGENT, 'accept-encoding': 'identity' }

/**
 * The HTTP port on a dispatcher of undici, whose connections are made by a `connector`. Both are loaded for the first request: a process
 * that sends none starts sooner.
 */
export function undiciHttp(make: (parts: typeof Parts) => Dispatcher): {
  readonly http: Http
  close(): Promise<void>
} {
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

/** The text is not repeated: it may hold a secret. */
function address(url: string): URL {
  if (URL.canParse(url)) return new URL(url)
  throw new HttpFault('unsent', 'Invalid URL')
}
