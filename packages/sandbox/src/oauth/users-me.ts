import type { Access } from '../access.ts'
import type { Endpoint } from '../endpoint.ts'
import { apiRefusal } from '../refusal.ts'

/** `GET /api/v2/users/me`: the user who is signed in, with `expand=organization` also the organization. */
export function usersMeEndpoint(access: Access): Endpoint {
  return {
    operation: 'users',
    method: 'GET',
    paths: ['/api/v2/users/me'],
    dialect: 'api',
    answer: (call) => {
      const family = access(call).token.family
      if (family === undefined) {
        const message = 'This request needs the token of a signed-in user, and this one is of client credentials.'
        throw apiRefusal({ status: 400, code: 'bad.request', message })
      }
      const { id, name, email } = family.user
      const isExpanded = call.query.getAll('expand').join(',').split(',').includes('organization')
      return {
        status: 200,
        json: {
          id,
          name,
          email,
          username: email,
          primaryContactInfo: [{ address: email, mediaType: 'EMAIL', type: 'PRIMARY' }],
          state: 'active',
          version: 1,
          ...(isExpanded ? { organization: family.client.organization } : {}),
          selfUri: `/api/v2/users/${id}`,
        },
      }
    },
  }
}
