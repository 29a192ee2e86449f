/** The scopes that the access token of the signed-in user needs. */
export const CREATE_SCOPES = ['externalusers:write', 'webmessaging:guest:create'] as const
