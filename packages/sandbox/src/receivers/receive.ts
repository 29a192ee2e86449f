import type { Endpoint } from '../endpoint.ts'
import type { Deliveries } from './deliveries.ts'

/** `POST /webhooks/{name}`: accepts every body with 204, signed or not. */
export function webhookEndpoint(deliveries: Deliveries): Endpoint {
  return {
    operation: 'webhook',
    method: 'POST',
    paths: ['/webhooks/:name'],
    dialect: 'api',
    answer: ({ params, headers, body }) => {
      deliveries.keep(params['name'] ?? '', headers, body.toString('utf8'))
      return { status: 204 }
    },
  }
}
