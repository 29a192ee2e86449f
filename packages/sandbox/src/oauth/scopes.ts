import { oauthRefusal } from '../refusal.ts'
import type { Client } from './clients.ts'

/** The scopes of the guest APIs and a few of the platform: the default of what clients may request. */
export const defaultScopes: readonly string[] = [
  'webmessaging:guest:create',
  'webmessaging:guesttoken:write',
  'guest:write',
  'guest:read',
  'externalusers:write',
  'oauth:refresh_token',
  'user:read',
  'user:write',
  'conversation:read',
  'conversation:write',
  'analytics:read',
]

/**
 * The scopes of OpenID Connect, which any client may request of a user. A refresh token comes with or without
 * `offline_access`.
 */
export const identityScopes: readonly string[] = ['openid', 'profile', 'email', 'offline_access']

/**
 * The requested scopes, each once; by default all allowed ones. Refuses with `invalid_scope` and names the
 * scopes that are not allowed.
 */
export function grantedScopes(asked: string | undefined, allowed: readonly string[]): readonly string[] {
  const wanted = [...new Set(asked?.split(' ').filter((scope) => scope !== '') ?? [])]
  const excess = wanted.filter((scope) => !allowed.includes(scope))
  if (excess.length > 0) {
    throw oauthRefusal(400, 'invalid_scope', `unknown or not permitted to this client: ${excess.join(' ')}`)
  }
  return wanted.length === 0 ? allowed : wanted
}

/** As `grantedScopes`, for a user: if the client names scopes, those of OpenID Connect are allowed too. */
export function userScopes(client: Client, asked: string | undefined): readonly string[] {
  return grantedScopes(asked, asked?.trim() ? [...client.scopes, ...identityScopes] : client.scopes)
}
