import { isLoopback } from '../loopback.ts'
import type { Client } from './clients.ts'

/**
 * Returns whether `uri` is a redirect URI of a client. Registered addresses are compared as texts; those on
 * loopback without their port (RFC 8252, section 7.3), because an application listens on any free port.
 */
export function acceptsRedirect({ redirectUris, loopbackRedirects }: Client, uri: string): boolean {
  const target = redirectAddress(uri)
  if (target === undefined) return false
  const loopback = target.protocol === 'http:' && isLoopback(target.hostname.replace(/^\[(.*)\]$/, '$1'))
  if (loopback && loopbackRedirects) return true
  return redirectUris.some((known) => known === uri || (loopback && portless(known) === portless(uri)))
}

/**
 * Parses an absolute address without fragment and credentials. Returns undefined for any other text, and for
 * schemes that a browser would execute.
 */
export function redirectAddress(uri: string): URL | undefined {
  if (!URL.canParse(uri) || uri.includes('#') || !/^[\x21-\x7e]+$/.test(uri)) return undefined
  const url = new URL(uri)
  return url.username === '' && url.password === '' && !forbidden.has(url.protocol) ? url : undefined
}

const forbidden = new Set(['javascript:', 'data:', 'blob:', 'file:', 'vbscript:', 'about:'])

function portless(uri: string): string {
  const url = new URL(uri)
  url.port = ''
  return url.href
}
