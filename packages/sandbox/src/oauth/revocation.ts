import type { Endpoint } from '../endpoint.ts'
import type { AccessTokens } from './access-tokens.ts'
import { type Authenticate, clientEndpoint } from './client-endpoint.ts'
import { required } from './form.ts'
import { invalidGrant } from './invalid-grant.ts'
import type { RefreshTokens } from './refresh-tokens.ts'

/**
 * `POST /oauth/revoke` and its alias: RFC 7009. A refresh token ends with all tokens of its sign-in, an
 * access token alone. An unknown token is answered as if it were revoked (section 2.2).
 */
export const revocationEndpoint = (
  tokens: AccessTokens,
  refreshTokens: RefreshTokens,
  authenticate: Authenticate,
): Endpoint =>
  clientEndpoint('revoke', 'revoke', authenticate, (client, form, call) => {
    const text = required(form, 'token')
    const family = refreshTokens.find(text)?.family
    const owner = family?.client ?? tokens.find(text)?.client
    if (owner !== undefined && owner.id !== client.id) throw invalidGrant('the token was issued to another client')
    if (family !== undefined) {
      family.ended = true
      call.note({ family: family.id })
    }
    tokens.revoke(text)
    return { status: 200, headers: { 'cache-control': 'no-store' } }
  })
