import type { Call } from './endpoint.ts'
import type { Limits, Permit } from './limits.ts'
import type { AccessToken, AccessTokens } from './oauth/access-tokens.ts'
import { apiRefusal, type Refusal } from './refusal.ts'

/** A call with a valid access token, and the text of the token. */
interface AuthorizedCall {
  readonly token: AccessToken
  readonly text: string
}

/**
 * Authorizes a call of the API. Refuses with 401 without a valid token, 429 beyond its limit, 403 without
 * `scope`.
 */
export type Access = (call: Call, scope?: string) => AuthorizedCall

export function createAccess(tokens: AccessTokens, limits: Limits): Access {
  return (call, scope) => {
    addLimitHeaders(call, limits.unlimitedPermit())
    const text = bearer(call.headers.authorization)
    const token = tokens.find(text)
    if (token === undefined)
      throw unauthorized('bad.credentials', 'Invalid login credentials.', ', error="invalid_token"')
    const permit = limits.take(token.usage)
    addLimitHeaders(call, permit)
    if (!permit.granted) throw tooMany(permit, token.family ? 'org.app.user' : 'client.credentials.token')
    if (scope !== undefined && !token.scopes.includes(scope)) throw scopeMissing(scope)
    return { token, text }
  }
}

function bearer(header: string | undefined): string {
  const [, text] = /^bearer +(\S+)$/i.exec(header?.trim() ?? '') ?? []
  if (text !== undefined) return text
  throw unauthorized('authentication.required', 'No authentication bearer token specified in authorization header.')
}

function addLimitHeaders({ answerHeaders }: Call, { count, allowed, resetSeconds }: Permit): void {
  answerHeaders['inin-ratelimit-count'] = String(count)
  answerHeaders['inin-ratelimit-allowed'] = String(allowed)
  answerHeaders['inin-ratelimit-reset'] = String(resetSeconds)
}

/** `challenge`: further parameters of the WWW-Authenticate header (RFC 6750, section 3). */
function unauthorized(code: string, message: string, challenge = ''): Refusal {
  const headers = { 'www-authenticate': `Bearer realm="sandbox"${challenge}` }
  return apiRefusal({ status: 401, code, message, headers })
}

/** The external users API answers 401; the others 403, which is the default. */
export function scopeMissing(scope: string, status: 401 | 403 = 403): Refusal {
  const message = `The client application's token lacks the scope that this call needs: ${scope}`
  return apiRefusal({ status, code: 'app.not.authorized.for.scope', message, messageParams: { scope } })
}

function tooMany({ allowed, retryAfterSeconds }: Permit, limitKey: string): Refusal {
  return apiRefusal({
    status: 429,
    code: 'too.many.requests',
    message: `Rate limit exceeded the maximum. Retry the request in [${retryAfterSeconds}] seconds.`,
    messageParams: { retryAfter: String(retryAfterSeconds) },
    limit: { key: `${limitKey}.rate.per.minute`, namespace: 'platform.api', value: allowed },
    headers: { 'retry-after': String(retryAfterSeconds) },
  })
}
