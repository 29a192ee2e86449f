import { isLoopback } from '../domain/loopback.ts'
import { checkOptions, schema, required, dictionaryOf } from '../domain/options.ts'
import { GuestpassError } from '../domain/errors.ts'

/** Variables that name proxies: HTTPS_PROXY, HTTP_PROXY, NO_PROXY. Names in lower case have precedence. */
export type ProxyVariables = Readonly<Record<string, string | undefined>>

/** An HTTP proxy that opens tunnels by CONNECT (RFC 9110, section 9.3.6). */
export interface HttpProxy {
  /** Its address without user and password, for messages. */
  readonly origin: string
  /** Whether it is reached over TLS. */
  readonly secure: boolean
  /** An IPv6 address has no brackets. */
  readonly host: string
  readonly port: number
  /** The header `Proxy-Authorization`; absent for a proxy without user and password. */
  readonly authorization?: string
}

/** The target of a request: parts of its URL. */
export interface ProxyTarget {
  readonly protocol: string
  readonly hostname: string
  /** Empty for the default port of the protocol. */
  readonly port: string
}

export const bareHost = (hostname: string): string => hostname.replace(/^\[(.*)\]$/, '$1')
export const portOf = ({ protocol, port }: Pick<ProxyTarget, 'protocol' | 'port'>): number =>
  port === '' ? (protocol === 'https:' ? 443 : 80) : Number(port)

export const variablesSchema = dictionaryOf(
  schema('a text', (value) => typeof value === 'string'),
  'Give the variables of a process.',
)

/**
 * Reads the proxy variables, for an HTTP client of your own; `nodeHttp` reads them itself. Loopback is reached
 * directly, and so are the targets in NO_PROXY: `*` for all, a host with its subdomains, `*.example.com` for
 * subdomains only, or an address, each with or without a port. If HTTPS_PROXY is not set, HTTP_PROXY also
 * counts for https.
 *
 * @param variables the environment variables of a process
 * @returns a function from a target to its proxy; undefined for a direct connection
 *
 * Throws `config_invalid` for a value that is not the address of a proxy.
 *
 * @example
 * ```ts
 * import { proxies } from '@guestpass/core/node'
 *
 * const proxyOf = proxies({ HTTPS_PROXY: 'http://proxy.example.com:3128', NO_PROXY: '*.internal' })
 * console.log(proxyOf({ protocol: 'https:', hostname: 'api.mypurecloud.com', port: '' })?.origin)
 * ```
 */
export function proxies(variables: ProxyVariables): (target: ProxyTarget) => HttpProxy | undefined {
  checkOptions('proxies', ['variables', variables, required(variablesSchema)])
  const named = (name: string): readonly [name: string, value: string] | undefined =>
    [name.toLowerCase(), name]
      .map((one) => [one, variables[one]?.trim() ?? ''] as const)
      .find(([, value]) => value !== '')
  const [plain, secure, exempt] = ['HTTP_PROXY', 'HTTPS_PROXY', 'NO_PROXY'].map(named)
  const forPlain = plain && proxyOf(...plain)
  const forSecure = secure ? proxyOf(...secure) : forPlain
  const isExempt = exemptions(exempt?.[1] ?? '')
  return (target) => {
    if (isLoopback(target.hostname) || isExempt(target)) return undefined
    return target.protocol === 'https:' ? forSecure : forPlain
  }
}

function proxyOf(name: string, value: string): HttpProxy {
  const text = /^[a-z][a-z0-9+.-]*:\/\//i.test(value) ? value : `http://${value}`
  const url = URL.canParse(text) ? new URL(text) : undefined
  const login = url && loginOf(url)
  if (!url || !login || !/^https?:$/.test(url.protocol) || url.pathname !== '/' || url.search !== '')
    throw invalid(name)
  return {
    origin: url.origin,
    secure: url.protocol === 'https:',
    host: bareHost(url.hostname),
    port: portOf(url),
    ...(login === ':' ? {} : { authorization: `Basic ${Buffer.from(login).toString('base64')}` }),
  }
}

function loginOf({ username, password }: URL): string | undefined {
  try {
    return `${decodeURIComponent(username)}:${decodeURIComponent(password)}`
  } catch {
    return undefined
  }
}

/** The message does not repeat the value, which may hold a password. */
function invalid(field: string): GuestpassError {
  const message = 'is not the address of an HTTP proxy'
  const remedy = 'Give host:port, http://host:port or https://host:port, or unset it.'
  return new GuestpassError('config_invalid', `The proxy cannot be used: ${field} ${message}. ${remedy}`, {
    fields: [{ field, message, remedy }],
  })
}

function exemptions(list: string): (target: ProxyTarget) => boolean {
  const entries = list
    .toLowerCase()
    .split(/[\s,]+/)
    .filter((entry) => entry !== '')
    .map(exemption)
  return (target) => {
    const host = bareHost(target.hostname).toLowerCase().replace(/\.$/, '')
    return entries.some((covers) => covers(host, portOf(target)))
  }
}

function exemption(entry: string): (host: string, port: number) => boolean {
  if (entry === '*') return () => true
  // An entry with several colons and no brackets is an IPv6 address without a port.
  const [, bracketed, name, portText] = /^(?:\[(.+)\]|([^:]+))(?::(\d+))?$/.exec(entry) ?? [entry, entry]
  const suffix = (bracketed ?? name ?? entry).replace(/^\*?\./, '').replace(/\.$/, '')
  return (host, port) =>
    (portText === undefined || Number(portText) === port) &&
    (host.endsWith(`.${suffix}`) || (host === suffix && !entry.startsWith('*.')))
}
