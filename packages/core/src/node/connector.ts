import { connect as dial, type LookupFunction, type Socket } from 'node:net'
import { buildConnector } from 'undici'
import { type Millis, SECOND } from '../domain/time.ts'
import { type Clock, stopwatch } from '../ports/clock.ts'
import { HttpFault } from '../ports/http.ts'
import { faultOf } from './fault.ts'
import { bareHost, portOf, type HttpProxy, type ProxyTarget } from './proxies.ts'
import { tunnel } from './tunnel.ts'

/** How long one of several addresses of a host may take before the next one is tried (RFC 8305). */
const ONE_ADDRESS: Millis = 500

/** How connections are made. */
interface ConnectorOptions {
  /** The time limit for name, TCP, proxy and TLS together, in milliseconds. */
  readonly timeoutMs: Millis
  readonly clock: Clock
  /** Resolves names. Default: the resolver of the system. */
  readonly lookup?: LookupFunction
  /** The proxy for a target. Default: no proxy. */
  readonly proxyOf?: (target: ProxyTarget) => HttpProxy | undefined
}

/**
 * Makes the connections of an undici dispatcher. They use HTTP/1.1, because there the moment before the first
 * byte of a request is known. A connection that fails ends with an `HttpFault` of the kind `unsent`. The time
 * limit is measured on both clocks, so that the time of a suspended machine counts.
 */
export function connector({ timeoutMs, clock, lookup, proxyOf }: ConnectorOptions): buildConnector.connector {
  const secure = buildConnector({ allowH2: false, timeout: 0 })

  async function connected(
    options: buildConnector.Options,
    proxy: HttpProxy | undefined,
    signal: AbortSignal,
  ): Promise<Socket> {
    const socket = proxy ? await tunnel(proxy, options, signal) : await connectTcp(options, lookup, signal)
    if (options.protocol !== 'https:') return socket
    signal.addEventListener('abort', () => socket.destroy(), { once: true })
    return new Promise((resolve, reject) => {
      secure({ ...options, httpSocket: socket }, (error, one) => (error ? reject(error) : resolve(one)))
    })
  }

  return (options, callback) => {
    const proxy = proxyOf?.(options)
    const elapsed = stopwatch(clock)
    const late = new AbortController()
    const done = new AbortController()
    const overdue = new HttpFault('unsent', `not connected within ${timeoutMs / SECOND} s`)
    const timer = clock.sleep(timeoutMs, done.signal).then(
      () => {
        late.abort(overdue)
        throw overdue
      },
      // The connection was made before.
      () => new Promise<never>(() => {}),
    )
    const inTime = async (): Promise<Socket> => {
      const socket = await connected(options, proxy, late.signal)
      // From here on undici listens to errors.
      socket.on('error', () => {})
      const fault =
        elapsed() > timeoutMs ? overdue : socket.destroyed ? new HttpFault('unsent', 'the connection broke') : undefined
      if (!fault) return socket
      socket.destroy()
      throw fault
    }
    Promise.race([inTime(), timer]).then(
      (socket) => {
        done.abort('done')
        callback(null, socket)
      },
      (thrown: unknown) => {
        done.abort('done')
        callback(withProxyName(proxy, faultOf(thrown, 'unsent')), null)
      },
    )
  }
}

/** Names the proxy in the message, because the proxy may be what fails, also after it opened the tunnel. */
const withProxyName = (proxy: HttpProxy | undefined, fault: HttpFault): HttpFault =>
  !proxy || fault.message.includes(proxy.origin)
    ? fault
    : new HttpFault(fault.kind, `through the proxy ${proxy.origin}: ${fault.message}`)

const connectTcp = (target: ProxyTarget, lookup: LookupFunction | undefined, signal: AbortSignal): Promise<Socket> =>
  new Promise((resolve, reject) => {
    const socket = dial({
      host: bareHost(target.hostname),
      port: portOf(target),
      autoSelectFamily: true,
      autoSelectFamilyAttemptTimeout: ONE_ADDRESS,
      noDelay: true,
      keepAlive: true,
      keepAliveInitialDelay: 60 * SECOND,
      ...(lookup ? { lookup } : {}),
    })
    signal.addEventListener('abort', () => socket.destroy(), { once: true })
    socket.on('error', reject).once('connect', () => resolve(socket))
  })
