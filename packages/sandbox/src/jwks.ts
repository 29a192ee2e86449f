import type { Endpoint } from './endpoint.ts'
import type { Keys } from './keys.ts'

/** How long a client may keep the key-set without a new request, in seconds. */
const MAX_AGE_SECONDS = 300

/** `GET /.well-known/jwks.json` (RFC 7517), with conditional requests (RFC 9110, section 13). */
export function jwksEndpoint(keys: Keys): Endpoint {
  return {
    operation: 'jwks',
    method: 'GET',
    paths: ['/.well-known/jwks.json'],
    dialect: 'api',
    answer: ({ headers }) => {
      const { body, etag } = keys.published()
      const cache = { etag, 'cache-control': `public, max-age=${MAX_AGE_SECONDS}` }
      if (matches(headers['if-none-match'], etag)) return { status: 304, headers: cache }
      return { status: 200, headers: { ...cache, 'content-type': 'application/json; charset=utf-8' }, text: body }
    },
  }
}

/** RFC 9110, section 13.1.2: `*`, or a list with weak comparison. */
function matches(condition: string | undefined, etag: string): boolean {
  const tags = condition?.split(',').map((tag) => tag.trim().replace(/^W\//, '')) ?? []
  return tags.includes(etag) || tags.includes('*')
}
