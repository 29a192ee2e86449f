/** The scope of calls that make, renew and change guests. */
export const WRITE_SCOPE = 'guest:write'
/** The scope of the call that looks at a channel. */
export const READ_SCOPE = 'guest:read'
