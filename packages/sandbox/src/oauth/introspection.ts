import { epochSeconds } from '../clock.ts'
import type { Endpoint } from '../endpoint.ts'
import type { AccessTokens } from './access-tokens.ts'
import { type Authenticate, clientEndpoint } from './client-endpoint.ts'
import { type Client, isPublic, invalidClient } from './clients.ts'
import { required } from './form.ts'
import type { RefreshTokens } from './refresh-tokens.ts'

interface IntrospectionParts {
  readonly issuer: () => string
  readonly tokens: AccessTokens
  readonly refreshTokens: RefreshTokens
  readonly authenticate: Authenticate
  readonly now: () => number
}

/**
 * `POST /oauth/introspect` and its alias: RFC 7662, for clients that authenticate. Tokens of another
 * organization are not active for a client.
 */
export function introspectionEndpoint(parts: IntrospectionParts): Endpoint {
  return clientEndpoint('introspect', 'introspect', parts.authenticate, (client, form) => {
    if (isPublic(client)) throw invalidClient()
    const text = required(form, 'token')
    const known = accessToken(text, parts) ?? refreshToken(text, parts)
    const json = known?.client.organization.id === client.organization.id ? known.answer : { active: false }
    return { status: 200, headers: { 'cache-control': 'no-store' }, json }
  })
}

interface Known {
  readonly client: Client
  readonly answer: Readonly<Record<string, unknown>>
}

function accessToken(text: string, { issuer, tokens }: IntrospectionParts): Known | undefined {
  const found = tokens.find(text)
  if (found === undefined) return undefined
  const { client, family, scopes, expiresAt } = found
  return {
    client,
    answer: {
      active: true,
      iss: issuer(),
      sub: family?.user.id ?? client.id,
      client_id: client.id,
      ...(family && { username: family.user.email }),
      scope: scopes.join(' '),
      token_type: 'bearer',
      iat: epochSeconds(expiresAt) - tokens.lifetime,
      exp: epochSeconds(expiresAt),
    },
  }
}

function refreshToken(text: string, { issuer, refreshTokens, now }: IntrospectionParts): Known | undefined {
  const found = refreshTokens.find(text)
  if (found === undefined || found.spent || found.family.ended || found.expiresAt <= now()) return undefined
  const { client, user, scopes } = found.family
  return {
    client,
    answer: {
      active: true,
      iss: issuer(),
      sub: user.id,
      client_id: client.id,
      username: user.email,
      scope: scopes.join(' '),
      exp: epochSeconds(found.expiresAt),
    },
  }
}
