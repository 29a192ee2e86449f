import { oauthRefusal } from '../refusal.ts'
import type { Client } from './clients.ts'

/** The scopes of the guest APIs and a few business scopes; what clients may ask for unless told otherwise. */
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

/** OpenID Connect's, which any client may ask a user for. A refresh token comes with or without `offline_access`. */
export const identityScopes: readonly string[] = ['openid', 'profile', 'email', 'offline_access']

/** The scopes asked for, each once; all that are allowed when none is named. Refuses what is not allowed, naming it. */
export function grantedScopes(asked: string | undefined, allowed: readonly string[]): readonly string[] {
  const wanted = [...new Set(asked?.split(' ').filter((scope) => scope !== '') ?? [])]
  const excess = wanted.filter((scope) => !allowed.includes(scope))
  if (excess.length > 0) {
    throw oauthRefusal(400, 'invalid_scope', `unknown or not permitted to this client: ${excess.join(' ')}`)
  }
  return wanted.length === 0 ? allowed : wanted
}

/** What a user is asked to allow: as `grantedScopes`, and who the user is, if the client asks for that by name. */
export function userScopes(client: Client, asked: string | undefined): readonly string[] {
  return grantedScopes(asked, asked?.trim() ? [...client.scopes, ...identityScopes] : client.scopes)
}
