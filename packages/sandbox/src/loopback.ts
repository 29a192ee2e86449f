import type { IncomingHttpHeaders } from 'node:http'

/** Whether an address to listen on is this machine's own. */
export function isLoopback(host: string): boolean {
  return /^(localhost|127(\.\d{1,3}){3}|::1)$/i.test(host)
}

/**
 * Whether the Host header names this machine. A page on the web can point its own name at 127.0.0.1 and would then be of
 * the same origin as the sandbox; its name in Host gives it away.
 */
export function isLoopbackHostHeader(host: string | undefined, alsoAllowed: readonly string[]): boolean {
  const name = (host ?? '').toLowerCase().replace(/:\d+$/, '').replace(/\.$/, '')
  return isLoopback(name.replace(/^\[(.*)\]$/, '$1')) || name.endsWith('.localhost') || alsoAllowed.includes(name)
}

/** Lets pages of any origin call the API: the guest APIs are used from browsers, and the sandbox holds nothing of worth. */
export const cors: Readonly<Record<string, string>> = {
  'access-control-allow-origin': '*',
  'access-control-expose-headers':
    'date, etag, inin-correlation-id, inin-ratelimit-allowed, inin-ratelimit-count, inin-ratelimit-reset, retry-after',
}

/** The answer to a preflight request. */
export function preflight(headers: IncomingHttpHeaders): Record<string, string> {
  return {
    ...cors,
    'access-control-allow-methods': 'GET, HEAD, POST, PUT, PATCH, DELETE',
    // Echoed, because a star does not cover Authorization.
    'access-control-allow-headers':
      headers['access-control-request-headers'] ?? 'authorization, content-type, idempotency-key',
    'access-control-max-age': '600',
    vary: 'access-control-request-headers',
  }
}
