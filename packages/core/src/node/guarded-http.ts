import { lookup as systemLookup, type LookupAddress } from 'node:dns'
import type { LookupFunction } from 'node:net'
import { callable, checkOptions, list, object } from '../domain/options.ts'
import { HttpFault } from '../ports/http.ts'
import { systemClock } from '../ports/system.ts'
import { webAddress } from '../domain/web-address.ts'
import { isPublicAddress, NOT_PUBLIC, endpointUrlFault } from '../webhooks/public-address.ts'
import { CONNECT_TIMEOUT, type NodeHttp, undiciHttp } from './http.ts'

/** Resolves a name to all its addresses, as `dns.lookup` does with `all`. */
export type Lookup = (
  hostname: string,
  options: { readonly all: true },
  callback: (error: NodeJS.ErrnoException | null, addresses: readonly LookupAddress[]) => void,
) => void

/** How guarded HTTP resolves names, and what it may reach. */
export interface GuardedHttpOptions {
  /** Resolves names. Default: `dns.lookup`. */
  readonly lookup?: Lookup
  /**
   * Origins that may be reached also where they are not public, as `http://127.0.0.1:8080`. Default: none.
   */
  readonly allowed?: readonly string[]
}

const optionsSchema = object<GuardedHttpOptions>({
  lookup: callable('Give a function as dns.lookup, or leave it out.'),
  allowed: list(webAddress),
})

const refusal = (host: string): HttpFault => new HttpFault('unsent', `not sent: the host ${host} ${NOT_PUBLIC}`)

/**
 * Makes an HTTP port for targets that users name, as webhook endpoints. It sends over TLS to public addresses
 * only. It checks every address when it connects, and connects to the checked address, so that a name cannot
 * change its address in between (DNS rebinding). Redirects are not followed. No proxy is used, because a
 * proxy resolves names itself.
 *
 * @param options see `GuardedHttpOptions`
 * @returns `http`, which rejects with an `HttpFault` of the kind `unsent` for other targets; `close` ends the
 *   connections that are kept open
 *
 * Throws `config_invalid` for wrong options.
 *
 * @example
 * ```ts
 * import { guardedHttp } from '@guestpass/core/node'
 *
 * const { http, close } = guardedHttp()
 * const request = { method: 'GET', url: 'https://127.0.0.1/', headers: {}, secrets: [] } as const
 * await http(request, AbortSignal.timeout(5_000)).catch((error) => console.log(error.kind)) // unsent
 * await close()
 * ```
 */
export function guardedHttp(options: GuardedHttpOptions = {}): NodeHttp {
  checkOptions('guardedHttp', ['options', options, optionsSchema])
  const { lookup = systemLookup, allowed = [] } = options
  const allowedOrigins = new Set(allowed.map((origin) => new URL(origin).origin))

  const guardedLookup: Lookup = (hostname, asked, callback) =>
    lookup(hostname, { ...asked, all: true }, (error, addresses) => {
      if (error) return callback(error, [])
      const [first, ...others] = addresses
      if (first && [first, ...others].every(({ address }) => isPublicAddress(address))) return callback(null, addresses)
      // One address that is not public is enough: an attacker gives both, so that the public one is checked.
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
        const { origin } = new URL(`${protocol}//${hostname}${port ? `:${port}` : ''}`)
        return allowedOrigins.has(origin) ? plain(target, callback) : guarded(target, callback)
      },
    })
  })
  return {
    close,
    async http(request, signal) {
      // An address in place of a name needs no look-up, and is checked here.
      const fault = isAllowed(request.url, allowedOrigins) ? undefined : endpointUrlFault(request.url)
      if (fault) throw new HttpFault('unsent', `not sent: the address ${fault}`)
      return http(request, signal)
    },
  }
}

const isAllowed = (url: string, allowedOrigins: ReadonlySet<string>): boolean =>
  URL.canParse(url) && allowedOrigins.has(new URL(url).origin)

/** A look-up of all addresses in the form of `dns.lookup`, which may also be called for one. */
const asDnsLookup =
  (lookup: Lookup): LookupFunction =>
  (hostname, options, callback) =>
    lookup(hostname, { ...options, all: true }, (error, addresses) => {
      const [first] = addresses
      if (error || !first) return callback(error ?? refusal(hostname), options.all ? [] : '')
      return options.all ? callback(null, [...addresses]) : callback(null, first.address, first.family)
    })
