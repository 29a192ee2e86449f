import type { Access } from '../access.ts'
import type { Endpoint } from '../endpoint.ts'
import { apiRefusal } from '../refusal.ts'

/** `GET /api/v2/users/me`: who is signed in. */
export function usersMe(access: Access): Endpoint {
  return {
    operation: 'users',
    method: 'GET',
    paths: ['/api/v2/users/me'],
    dialect: 'api',
    answer: (call) => {
      const user = access(call).token.family?.user
      if (user === undefined) {
        const message = 'This request needs a user, and the token of client credentials stands for none.'
        throw apiRefusal({ status: 400, code: 'bad.request', message })
      }
      const { id, name, email } = user
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
          selfUri: `/api/v2/users/${id}`,
        },
      }
    },
  }
}
