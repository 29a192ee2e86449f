import ipaddr from 'ipaddr.js'

/** Of a cloud platform, and in a range that looks public: Azure's host agent. */
const PLATFORM = '168.63.129.16'
/** All of IPv6 that is public; what is set aside within it is known by name. */
const GLOBAL_UNICAST = ipaddr.IPv6.parseCIDR('2000::/3')

/**
 * Whether an IP address is one of the public Internet. What is private, loopback, link-local, unique-local, shared (CGNAT),
 * multicast, reserved, set aside for documentation or tests, or a way round to IPv4 (mapped, NAT64, 6to4, Teredo) is not; nor
 * is what is no address.
 */
export function isPublicAddress(text: string): boolean {
  if (!ipaddr.isValid(text)) return false
  const address = ipaddr.parse(text)
  if (address.range() !== 'unicast') return false
  return address instanceof ipaddr.IPv6 ? address.match(GLOBAL_UNICAST) : address.toString() !== PLATFORM
}

/** Names that a resolver answers without asking anybody. */
const LOCAL = /(^|\.)(localhost|local|internal|home\.arpa|lan|intranet)$/

/**
 * Why an address cannot be that of a webhook endpoint which somebody added; undefined when it can, as far as can be seen before
 * its name is resolved. The address itself is not repeated: it may hold a key.
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
