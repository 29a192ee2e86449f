import type { GuestCredential, GuestWithTokens } from '../../domain/credential.ts'

/** A guest that the upstream made, as the next generation of its row, whose owner stays. */
export const nextGeneration = (
  { subject, createdAt, aliveUntil = 0, generation, shared, owner }: GuestCredential,
  { owner: _asked, ...made }: GuestWithTokens,
): GuestWithTokens => ({
  ...made,
  subject,
  createdAt,
  aliveUntil: Math.max(aliveUntil, made.aliveUntil ?? 0),
  generation: generation + 1,
  ...(shared ? { shared } : {}),
  ...(owner === undefined ? {} : { owner }),
})
