/**
 * Removes the entries that expired more than `keptMs` milliseconds ago. The entries must be in the order of
 * their expiry: the search ends at the first one that stays.
 */
export function forgetExpired(entries: Map<string, { readonly expiresAt: number }>, now: number, keptMs = 0): void {
  for (const [name, { expiresAt }] of entries) {
    if (now < expiresAt + keptMs) return
    entries.delete(name)
  }
}
