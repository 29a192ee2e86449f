import type { Call, Endpoint } from '../endpoint.ts'
import type { AccessTokens } from './access-tokens.ts'
import type { Client } from './clients.ts'
import { type Form, formBody, required } from './form.ts'
import { invalidGrant } from './invalid-grant.ts'
import type { RefreshTokens } from './refresh-tokens.ts'

export interface RevocationParts {
  readonly tokens: AccessTokens
  readonly refreshTokens: RefreshTokens
  readonly authenticate: (call: Call, form: Form) => Client
}

/**
 * `POST /oauth/revoke` and its alias: RFC 7009. A refresh token ends with everything from its sign-in, an access token
 * alone. A token that is not known is as good as revoked.
 */
export function revocation({ tokens, refreshTokens, authenticate }: RevocationParts): Endpoint {
  return {
    operation: 'revoke',
    method: 'POST',
    paths: ['/oauth/revoke', '/api/v2/oauth/revoke'],
    dialect: 'oauth',
    answer: (call) => {
      const form = formBody(call)
      const client = authenticate(call, form)
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
    },
  }
}
