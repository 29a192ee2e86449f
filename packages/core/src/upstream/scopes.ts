import type { GuestApi } from '../domain/guest-id.ts'

/** The scope that the service's access token needs for `generate-token`. */
export const MINT_SCOPE = 'webmessaging:guest:create'
/** The scope that it needs for refreshing guest tokens. */
export const REFRESH_SCOPE = 'webmessaging:guesttoken:write'
/** The scope that it needs to make, renew and change guests at engagements. */
export const WRITE_SCOPE = 'guest:write'
/** The scope that it needs to look at a channel. */
export const READ_SCOPE = 'guest:read'
/** The scopes that the signed-in user's access token needs to make external users. */
export const CREATE_SCOPES: readonly string[] = ['externalusers:write', 'webmessaging:guest:create']

/** The scopes that the calls of each API need. */
export const scopesOf: Readonly<Record<GuestApi, readonly string[]>> = {
  'guest-tokens': [MINT_SCOPE, REFRESH_SCOPE],
  engagements: [WRITE_SCOPE, READ_SCOPE],
  'external-users': CREATE_SCOPES,
}
