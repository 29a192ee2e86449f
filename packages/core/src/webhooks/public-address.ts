import ipaddr from 'ipaddr.js'

/** The host agent of Azure: an internal service in a public range. */
const PLATFORM = '168.63.129.16'
/** The public range of IPv6. Reserved ranges within it are known to ipaddr.js. */
const GLOBAL_UNICAST = ipaddr.IPv6.parseCIDR('2000::/3')

/**
 * Whether a text is an IP address of the public Internet. Not public are private, loopback, link-local,
 * unique-local, shared (CGNAT), multicast, reserved, documentation and test addresses, and forms that lead to
 * IPv4 (mapped, NAT64, 6to4, Teredo).
 */
export function isPublicAddress(text: string): boolean {
  if (!ipaddr.isValid(text)) return false
  const address = ipaddr.parse(text)
  if (address.range() !== 'unicast') return false
  return address instanceof ipaddr.IPv6 ? address.match(GLOBAL_UNICAST) : address.toString() !== PLATFORM
}

/** Names that a resolver answers from its own configuration. */
const LOCAL = /(^|\.)(localhost|local|internal|home\.arpa|lan|intranet)$/

/**
 * Why a URL cannot be that of an added webhook endpoint, as a clause; undefined when it can be, as far as is
 * known before its name is resolved. The clause does not repeat the URL, which may hold a key.
 */
export function endpointUrlFault(url: string): string | undefined {
  if (!/^https:\/\/[^\s\\]+$/i.test(url) || !URL.canParse(url)) return 'is not an https:// address'
  const { username, password, hostname, hash } = new URL(url)
  if (username || password) return 'holds a user name or password'
  if (hash) return 'holds a fragment'
  const host = hostname.replace(/\.$/, '')
  const literal = host.replace(/^\[(.*)\]$/, '$1')
  if (ipaddr.isValid(literal)) return isPublicAddress(literal) ? undefined : NOT_PUBLIC
  return !host.includes('.') || LOCAL.test(host) ? NOT_PUBLIC : undefined
}

export const NOT_PUBLIC = 'does not lead to a public address'
