import { isLoopback } from '../domain/loopback.ts'
import type { Field } from '../domain/errors.ts'

/** The message and remedy of a fault. The caller adds the name of the field. */
export type AddressFault = Omit<Field, 'field'>

/** Hosts besides loopback that plain http may be sent to, each as `host` or `host:port`. */
export type InsecureHosts = readonly string[]

/**
 * Whether an address is https, or plain http to loopback or to one of the hosts that are named as insecure.
 */
function isSafe(url: URL, insecure: InsecureHosts = []): boolean {
  if (url.protocol === 'https:') return true
  if (url.protocol !== 'http:') return false
  return isLoopback(url.hostname) || insecure.some((one) => [url.host, url.hostname].includes(one.toLowerCase()))
}

const IN_FULL = 'Write it in full, as https://gateway.example.com or http://127.0.0.1:8080.'

/**
 * The fault of an address; undefined if there is none. It never shows the address, which may hold a password.
 */
export function addressFault(
  text: string,
  { query, insecure }: { readonly query: 'allowed' | 'refused'; readonly insecure?: InsecureHosts | undefined },
): AddressFault | undefined {
  if (!/^https?:\/\/[^\s\\]+$/i.test(text) || !URL.canParse(text)) {
    return { message: 'is not an address that begins with https:// (or http:// on loopback)', remedy: IN_FULL }
  }
  const url = new URL(text)
  if (url.username || url.password) {
    return {
      message: 'holds a user name or password',
      remedy: 'Take it out of the address; credentials have settings of their own.',
    }
  }
  if (text.includes('#') || (query === 'refused' && text.includes('?'))) {
    return {
      message: 'holds a query or fragment',
      remedy: 'End it with its path, without ? or #.',
    }
  }
  if (!isSafe(url, insecure)) {
    return {
      message: 'is plain http, over which a secret would travel in clear',
      // Where hosts are listed, one of them may have a wrong port.
      remedy: `Use https://; http:// is for loopback (127.0.0.1, [::1], localhost), and for the hosts in \`hosts.insecureHosts\`${insecure?.length ? `: add ${url.host}` : ''}.`,
    }
  }
  return undefined
}

/** Removes slashes at the end of an address. */
export function bareAddress(text: string): string {
  const { origin, pathname, search } = new URL(text)
  return `${origin}${pathname.replace(/\/+$/, '')}${search}`
}
