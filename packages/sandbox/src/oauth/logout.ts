import type { Endpoint } from '../endpoint.ts'
import type { Client } from './clients.ts'
import { page } from './page.ts'
import { acceptsRedirect } from './redirect-uris.ts'

/**
 * `GET /logout`: the platform's SDK and OpenID clients (RP-Initiated Logout 1.0, with `client_id`) send the
 * browser here. The sandbox has no browser session, so that it only redirects back to an address of the
 * client.
 */
export function logoutEndpoint(clients: readonly Client[]): Endpoint {
  return {
    operation: 'logout',
    method: 'GET',
    paths: ['/logout'],
    dialect: 'page',
    answer: ({ query }) => {
      const client = clients.find(({ id }) => id === query.get('client_id'))
      const target = query.get('redirect_uri') ?? query.get('post_logout_redirect_uri') ?? ''
      if (client !== undefined && acceptsRedirect(client, target)) {
        const state = query.get('state')
        const location =
          state === null ? target : `${target}${target.includes('?') ? '&' : '?'}${new URLSearchParams({ state })}`
        return { status: 302, headers: { location, 'cache-control': 'no-store' } }
      }
      return page({ title: 'You are signed out', main: { html: '<p>You can close this page.</p>' } })
    },
  }
}
