import { isLoopback } from '../domain/loopback.ts'
import { checkOptions, schema, required, dictionaryOf } from '../domain/options.ts'
import { GuestpassError } from '../domain/errors.ts'

/** The variables that name proxies: HTTPS_PROXY, HTTP_PROXY and NO_PROXY, or the same in lower case, which count first. */
export type ProxyVariables = Readonly<Record<string, string | undefined>>

/** A proxy that opens tunnels by CONNECT (RFC 9110, 9.3.6). */
export interface HttpProxy {
  /** Its address without user and password, as it is shown. */
  readonly origin: string
  readonly secure: boolean
  /** Without brackets. */
  readonly host: string
  readonly port: number
  /** The header Proxy-Authorization. */
  readonly authorization?: string
}

/** Where a request goes, as it stands in its address. */
export interface ProxyTarget {
  readonly protocol: string
  readonly hostname: string
  /** Empty: the protocol's own. */
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
 * Which proxy a target is reached through. Loopback is reached directly, and so is what NO_PROXY names: `*`, hosts with all below them,
 * `*.example.com` for those below alone, addresses, each with or without a port. Where HTTPS_PROXY is not set, HTTP_PROXY counts for https
 * too. Throws `config_invalid` for a value that is no address of a proxy.
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

/** The value is not repeated: it may hold a password. */
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
  // What has several colons and no brackets is an IPv6 address without a port.
  const [, bracketed, name, portText] = /^(?:\[(.+)\]|([^:]+))(?::(\d+))?$/.exec(entry) ?? [entry, entry]
  const suffix = (bracketed ?? name ?? entry).replace(/^\*?\./, '').replace(/\.$/, '')
  return (host, port) =>
    (portText === undefined || Number(portText) === port) &&
    (host.endsWith(`.${suffix}`) || (host === suffix && !entry.startsWith('*.')))
}
