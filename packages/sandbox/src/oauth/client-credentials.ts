import type { AccessTokens } from './access-tokens.ts'
import { checkedResource } from './resource.ts'
import { grantedScopes } from './scopes.ts'
import type { Grant } from './token.ts'

/** RFC 6749, section 4.4: a token of the client itself, without a refresh token. */
export function clientCredentialsGrant(tokens: AccessTokens): Grant {
  return {
    type: 'client_credentials',
    tokens: async (client, form) => {
      const scopes = grantedScopes(form['scope'], client.scopes)
      return {
        access_token: await tokens.issue(client, scopes, { audience: checkedResource(form['resource']) }),
        token_type: 'bearer',
        expires_in: tokens.lifetime,
        scope: scopes.join(' '),
      }
    },
  }
}
