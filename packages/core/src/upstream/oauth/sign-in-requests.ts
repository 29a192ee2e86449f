import * as kernel from 'oauth4webapi'
import type { Secret } from '../../domain/secret.ts'
import type { HttpRequest } from '../../ports/http.ts'
import type { ClientAuthentication } from './client.ts'
import { type ExtraParams, pairsOf } from './params.ts'

/** The parts that every request of a sign-in uses. */
export interface RequestParts {
  readonly url: string
  readonly clientId: string
  readonly authentication: ClientAuthentication
  readonly params?: ExtraParams | undefined
}

export interface CodeExchange {
  readonly code: Secret
  readonly verifier: Secret
  readonly redirectUri: string
}

/** A request that oauth4webapi made. It is sent through the policy, as every other request. */
interface Captured {
  url: string
  body: string
  accept: string
}

type Send = (
  url: string,
  init: { readonly headers: Record<string, string>; readonly body: unknown },
) => Promise<Response>

async function captured(
  { authentication, clientId, url }: RequestParts,
  secrets: readonly Secret[],
  make: (of: {
    readonly client: { readonly client_id: string }
    readonly authenticate: (server: unknown, client: unknown, body: URLSearchParams, headers: Headers) => void
    readonly send: Send
  }) => Promise<unknown>,
): Promise<HttpRequest> {
  const seen: Captured = { url, body: '', accept: 'application/json' }
  await make({
    client: { client_id: clientId },
    authenticate(_server, _client, body) {
      for (const [name, value] of Object.entries(authentication.members)) body.set(name, value)
    },
    async send(to, { headers, body }) {
      Object.assign(seen, { url: to, body: String(body), accept: headers['accept'] ?? seen.accept })
      return new Response(null, { status: 204 })
    },
  })
  return {
    method: 'POST',
    url: seen.url,
    headers: { accept: seen.accept, 'content-type': 'application/x-www-form-urlencoded', ...authentication.headers },
    body: seen.body,
    secrets: [...authentication.secrets, ...secrets],
  }
}

/** The exchange of a code (RFC 6749, 4.1.3; RFC 7636, 4.5). */
export const codeRequest = (
  making: RequestParts,
  { code, verifier, redirectUri }: CodeExchange,
): Promise<HttpRequest> =>
  captured(making, [code, verifier], ({ client, authenticate, send }) => {
    const server = { issuer: making.url, token_endpoint: making.url }
    const callback = new URLSearchParams({ code: code.reveal() })
    const valid = kernel.validateAuthResponse(server, client, callback, kernel.skipStateCheck)
    return kernel.authorizationCodeGrantRequest(server, client, authenticate, valid, redirectUri, verifier.reveal(), {
      additionalParameters: pairsOf(making.params),
      // Which addresses may be plain http was judged when they were given.
      [kernel.allowInsecureRequests]: true,
      [kernel.customFetch]: send,
    })
  })

/** A device authorization request (RFC 8628, 3.1). */
export const deviceCodeRequest = (making: RequestParts, scopes: readonly string[]): Promise<HttpRequest> =>
  captured(making, [], ({ client, authenticate, send }) => {
    const server = { issuer: making.url, device_authorization_endpoint: making.url }
    const scope: [string, string][] = scopes.length === 0 ? [] : [['scope', scopes.join(' ')]]
    const members = new URLSearchParams([...pairsOf(making.params), ...scope])
    return kernel.deviceAuthorizationRequest(server, client, authenticate, members, {
      [kernel.allowInsecureRequests]: true,
      [kernel.customFetch]: send,
    })
  })

/** A device token request: whether the user has decided (RFC 8628, 3.4). */
export const deviceTokenRequest = (making: RequestParts, deviceCode: Secret): Promise<HttpRequest> =>
  captured(making, [deviceCode], ({ client, authenticate, send }) => {
    const server = { issuer: making.url, token_endpoint: making.url }
    return kernel.deviceCodeGrantRequest(server, client, authenticate, deviceCode.reveal(), {
      additionalParameters: pairsOf(making.params),
      [kernel.allowInsecureRequests]: true,
      [kernel.customFetch]: send,
    })
  })
