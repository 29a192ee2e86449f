/** The scope of the call that mints a token (`generate-token`). */
export const MINT_SCOPE = 'webmessaging:guest:create'
/** The scope of the call that refreshes a token. */
export const REFRESH_SCOPE = 'webmessaging:guesttoken:write'

/** The scopes that a guest token can have. */
export const guestScopes = [
  'webmessaging:guest:send',
  'webmessaging:guest:receive',
  'webmessaging:guest:read',
  'webmessaging:guest:update',
] as const
