import { isLoopback } from '../loopback.ts'
import type { Client } from './clients.ts'

/**
 * Whether a client may have its users sent to `uri`. Registered addresses compare as they are written, loopback ones
 * without their port (RFC 8252 section 7.3), because an application gets any free one.
 */
export function acceptsRedirect({ redirectUris, loopbackRedirects }: Client, uri: string): boolean {
  const target = redirectAddress(uri)
  if (target === undefined) return false
  const loopback = target.protocol === 'http:' && isLoopback(target.hostname.replace(/^\[(.*)\]$/, '$1'))
  if (loopback && loopbackRedirects) return true
  return redirectUris.some((known) => known === uri || (loopback && portless(known) === portless(uri)))
}

/**
 * An absolute address without fragment and credentials, fit for a header as it is written, and not one that a browser
 * would run; undefined otherwise.
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
