import { lookup as systemLookup, type LookupAddress } from 'node:dns'
import type { LookupFunction } from 'node:net'
import { callable, checkOptions, list, object } from '../domain/options.ts'
import { type Http, HttpFault } from '../ports/http.ts'
import { systemClock } from '../ports/system.ts'
import { webAddress } from '../domain/web-address.ts'
import { isPublicAddress, NOT_PUBLIC, endpointUrlFault } from '../webhooks/public-address.ts'
import { CONNECT_TIMEOUT, undiciHttp } from './http.ts'

/** Resolves a name to all its addresses, as `dns.lookup` does with `all`. */
export type Lookup = (
  hostname: string,
  options: { readonly all: true },
  callback: (error: NodeJS.ErrnoException | null, addresses: readonly LookupAddress[]) => void,
) => void

export interface GuardedHttpOptions {
  /** Default: the system's. */
  readonly lookup?: Lookup
  /** Origins that may be reached whatever they are, as `http://127.0.0.1:8080`. */
  readonly allowed?: readonly string[]
}

const optionsSchema = object<GuardedHttpOptions>({
  lookup: callable('Give a function as dns.lookup, or leave it out.'),
  allowed: list(webAddress),
})

const refusal = (host: string): HttpFault => new HttpFault('unsent', `not sent: the host ${host} ${NOT_PUBLIC}`)

/**
 * HTTP to public addresses over TLS only, for targets that somebody else names. Every address is checked when the connection
 * is made, and the one that was checked is the one that is connected, so that a name which changes its address in between
 * gains nothing. Redirects are not followed, and no proxy is used: it would resolve names itself. `close` ends the
 * connections that are kept open. Throws `config_invalid` for wrong options.
 */
export function guardedHttp(options: GuardedHttpOptions = {}): {
  readonly http: Http
  close(): Promise<void>
} {
  checkOptions('guardedHttp', ['options', options, optionsSchema])
  const { lookup = systemLookup, allowed = [] } = options
  const open = new Set(allowed.map((origin) => new URL(origin).origin))

  const guardedLookup: Lookup = (hostname, asked, callback) =>
    lookup(hostname, { ...asked, all: true }, (error, addresses) => {
      if (error) return callback(error, [])
      const [first, ...others] = addresses
      if (first && [first, ...others].every(({ address }) => isPublicAddress(address))) return callback(null, addresses)
      // One that is not public is enough: whoever gives both hopes that the other is checked.
      return callback(refusal(hostname), [])
    })

  const common = { timeoutMs: CONNECT_TIMEOUT, clock: systemClock() }
  const { http, close } = undiciHttp(({ Agent, connector }) => {
    const plain = connector(common)
    const guarded = connector({ ...common, lookup: asDnsLookup(guardedLookup) })
    return new Agent({
      connections: 8,
      connect(target, callback) {
        const { hostname, protocol, port } = target
        const isOpen = open.has(new URL(`${protocol}//${hostname}${port ? `:${port}` : ''}`).origin)
        return isOpen ? plain(target, callback) : guarded(target, callback)
      },
    })
  })
  return {
    close,
    async http(request, signal) {
      // An address in place of a name is connected without a look-up, and judged here.
      const fault = isOpen(request.url, open) ? undefined : endpointUrlFault(request.url)
      if (fault) throw new HttpFault('unsent', `not sent: the address ${fault}`)
      return http(request, signal)
    },
  }
}

const isOpen = (url: string, open: ReadonlySet<string>): boolean => URL.canParse(url) && open.has(new URL(url).origin)

/** A look-up of all addresses in the form of `dns.lookup`, which may be asked for one. */
const asDnsLookup =
  (lookup: Lookup): LookupFunction =>
  (hostname, options, callback) =>
    lookup(hostname, { ...options, all: true }, (error, addresses) => {
      const [first] = addresses
      if (error || !first) return callback(error ?? refusal(hostname), options.all ? [] : '')
      return options.all ? callback(null, [...addresses]) : callback(null, first.address, first.family)
    })
