import type { Access } from '../access.ts'
import type { Endpoint } from '../endpoint.ts'
import { oauthRefusal } from '../refusal.ts'
import { personalClaims } from './personal-claims.ts'

const SCOPE = 'openid'

/**
 * `GET` and `POST /oauth/userinfo`: OpenID Connect Core, section 5.3, with the errors of RFC 6750, section
 * 3.1.
 */
export function userinfoEndpoints(access: Access): readonly Endpoint[] {
  const answer: Endpoint['answer'] = (call) => {
    const { family, scopes } = access(call).token
    if (family === undefined || !scopes.includes(SCOPE)) {
      throw oauthRefusal(403, 'insufficient_scope', `the token needs a signed-in user and the scope ${SCOPE}`, {
        'www-authenticate': `Bearer realm="sandbox", error="insufficient_scope", scope="${SCOPE}"`,
      })
    }
    const json = { sub: family.user.id, ...personalClaims(family.user, scopes) }
    return { status: 200, headers: { 'cache-control': 'no-store' }, json }
  }
  const shared = { operation: 'userinfo', paths: ['/oauth/userinfo', '/api/v2/oauth/userinfo'], answer } as const
  return [
    { ...shared, method: 'GET', dialect: 'oauth' },
    { ...shared, method: 'POST', dialect: 'oauth' },
  ]
}
