import createClient, { type Client } from 'openapi-fetch'
import type { paths } from './schema.ts'

export type {
  components as ServiceComponents,
  operations as ServiceOperations,
  paths as ServicePaths,
} from './schema.ts'

/** A client of the service: `GET`, `POST`, `PATCH` and `DELETE` take a path of `ServicePaths`. */
export type ServiceClient = Client<paths>

/** Where the service is, and the key that opens it. */
export interface ServiceClientOptions {
  /** The address of the service, as `http://127.0.0.1:8080`. */
  readonly url: string
  /** The API key. Default: requests are sent without one. */
  readonly apiKey?: string
  /** Sends requests. Default: the `fetch` of the platform. */
  readonly fetch?: (request: Request) => Promise<Response>
}

/**
 * Makes a client of the service. Its calls resolve to `{ data }` or `{ error }`, a problem document; they reject
 * only if no answer came.
 *
 * @example
 * ```ts
 * import { serviceClient } from '@guestpass/client'
 *
 * const answer = { guestId: '1', api: 'guest-tokens', token: 'a.b.c' }
 * const fetch = async () => Response.json(answer, { status: 201 })
 * const service = serviceClient({ url: 'http://127.0.0.1:8080', apiKey: 'test', fetch })
 * const { data, error } = await service.POST('/v1/guests', { body: { scopes: ['webmessaging:guest:send'] } })
 * console.log(data?.token ?? error?.detail)
 * ```
 */
export function serviceClient({ url, apiKey, fetch }: ServiceClientOptions): ServiceClient {
  return createClient<paths>({
    baseUrl: url,
    ...(apiKey === undefined ? {} : { headers: { authorization: `Bearer ${apiKey}` } }),
    ...(fetch ? { fetch } : {}),
  })
}
