import { oauthRefusal } from '../refusal.ts'

/** The scopes of the guest APIs and a few business scopes; what clients may ask for unless told otherwise. */
export const knownScopes: readonly string[] = [
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

/** The scopes asked for, each once; all that are allowed when none is named. Refuses what is not allowed, naming it. */
export function grantedScopes(asked: string | undefined, allowed: readonly string[]): readonly string[] {
  const wanted = [...new Set(asked?.split(' ').filter((scope) => scope !== '') ?? [])]
  const excess = wanted.filter((scope) => !allowed.includes(scope))
  if (excess.length > 0) {
    throw oauthRefusal(400, 'invalid_scope', `unknown or not permitted to this client: ${excess.join(' ')}`)
  }
  return wanted.length === 0 ? allowed : wanted
}
