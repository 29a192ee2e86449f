import type { IncomingHttpHeaders } from 'node:http'

/**
 * Allows pages of every origin to call the API: browsers use the guest APIs, and the sandbox has no real
 * data.
 */
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
    // Repeats the requested headers, because `*` does not cover Authorization.
    'access-control-allow-headers':
      headers['access-control-request-headers'] ?? 'authorization, content-type, idempotency-key',
    'access-control-max-age': '600',
    vary: 'access-control-request-headers',
  }
}
