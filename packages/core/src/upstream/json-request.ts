import type { Secret } from '../domain/secret.ts'
import type { HttpRequest } from '../ports/http.ts'

/**
 * A request with a JSON body or none, and with an access token if the API needs one. `secrets`: those in the
 * body.
 */
export function jsonRequest(
  method: HttpRequest['method'],
  url: string,
  of: {
    readonly bearer?: Secret | undefined
    readonly body?: unknown
    readonly headers?: Readonly<Record<string, string>>
    readonly secrets?: readonly Secret[]
  },
): HttpRequest {
  const { bearer, body, headers = {}, secrets = [] } = of
  return {
    method,
    url,
    headers: {
      accept: 'application/json',
      ...(body === undefined ? {} : { 'content-type': 'application/json' }),
      ...(bearer ? { authorization: `Bearer ${bearer.reveal()}` } : {}),
      ...headers,
    },
    ...(body === undefined ? {} : { body: JSON.stringify(body) }),
    secrets: [...(bearer ? [bearer] : []), ...secrets],
  }
}
