/** The id of the credential of a user's sign-in: a connection has one at most. */
export const GRANT_ID = 'grant'

const ACCESS = 'access-'

/** The id of an access token by client credentials, by the digest of all that shapes it. */
export const accessTokenId = (digest: string): string => ACCESS + digest

/**
 * Whether a credential of this id is an access token or a sign-in; guests have the ids that upstream gives
 * them.
 */
export const isOAuthCredentialId = (id: string): boolean => id === GRANT_ID || id.startsWith(ACCESS)
