/** The scopes of a space-separated string (RFC 6749, 3.3) or of a list, each once, in the order given. */
export function scopeList(value: string | readonly string[]): readonly string[] {
  const all = typeof value === 'string' ? value.split(' ') : value
  return [...new Set(all.filter((scope) => scope !== ''))]
}

/** The wanted scopes that were not granted. Scopes compare whole, never as parts of one another. */
export const missingScopes = (wanted: readonly string[], granted: readonly string[]): readonly string[] =>
  wanted.filter((scope) => !granted.includes(scope))
