/**
 * Drops what expired more than `keptMs` ago. The entries are taken to be in the order of their expiry, so the look ends
 * at the first that stays.
 */
export function forgetExpired(entries: Map<string, { readonly expiresAt: number }>, now: number, keptMs = 0): void {
  for (const [name, { expiresAt }] of entries) {
    if (now < expiresAt + keptMs) return
    entries.delete(name)
  }
}
