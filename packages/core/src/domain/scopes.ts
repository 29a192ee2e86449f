/** Whether a value is a scope: visible ASCII characters without blanks, `"` and `\` (RFC 6749, 3.3). */
export const isScope = (value: unknown): boolean =>
  typeof value === 'string' && /^[\x21\x23-\x5B\x5D-\x7E]+$/.test(value)

/**
 * The scopes of a text, separated by blanks (RFC 6749, 3.3) or commas, or of a list, each once, in the order
 * given.
 */
export function scopeList(value: string | readonly string[]): readonly string[] {
  const all = typeof value === 'string' ? value.split(/[\s,]+/) : value
  return [...new Set(all.filter((scope) => scope !== ''))]
}

/** The wanted scopes that were not granted. Scopes compare whole, never as parts of one another. */
export const missingScopes = (wanted: readonly string[], granted: readonly string[]): readonly string[] =>
  wanted.filter((scope) => !granted.includes(scope))

/**
 * Scopes of a sign-in (OpenID Connect Core, 5.4 and 11) that servers leave out of what they grant to the
 * access token.
 */
const OF_SIGN_IN: ReadonlySet<string> = new Set(['openid', 'offline_access', 'profile', 'email', 'address', 'phone'])

/**
 * Gives the wanted scopes that were not granted to an access token. Leaves out the scopes of a sign-in, as
 * `openid` and `offline_access`: servers do not list them among the scopes of an access token.
 */
export const lackedScopes = (wanted: readonly string[], granted: readonly string[]): readonly string[] =>
  missingScopes(wanted, granted).filter((scope) => !OF_SIGN_IN.has(scope))

/**
 * The scopes that a client can ask for by itself: `openid` and `offline_access` are about a user (OpenID
 * Connect Core, 3.1.2.1 and 11).
 */
export const clientScopes = (wanted: readonly string[]): readonly string[] =>
  wanted.filter((scope) => scope !== 'openid' && scope !== 'offline_access')
