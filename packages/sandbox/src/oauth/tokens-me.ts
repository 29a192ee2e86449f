import type { Access } from '../access.ts'
import type { Endpoint } from '../endpoint.ts'
import type { AccessTokens } from './access-tokens.ts'

const paths = ['/api/v2/tokens/me']

/** `GET` and `HEAD /api/v2/tokens/me`: client, organization and scopes of a valid token. */
export function tokenInfoEndpoint(access: Access): Endpoint {
  return {
    operation: 'me',
    method: 'GET',
    paths,
    dialect: 'api',
    answer: (call) => {
      const { client, scopes } = access(call).token
      const { organization } = client
      const named = { id: organization.id, name: organization.name }
      return {
        status: 200,
        json: {
          organization: named,
          homeOrganization: named,
          authorizedScope: scopes,
          OAuthClient: { id: client.id, organization: named },
        },
      }
    },
  }
}

/** `DELETE /api/v2/tokens/me`: revokes the token. */
export function deleteTokenEndpoint(access: Access, tokens: AccessTokens): Endpoint {
  return {
    operation: 'revoke',
    method: 'DELETE',
    paths,
    dialect: 'api',
    answer: (call) => {
      tokens.revoke(access(call).text)
      return { status: 200 }
    },
  }
}
