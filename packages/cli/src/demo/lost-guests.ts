import type { IssuedGuest, Verifier } from '@guestpass/core'

/** The number of guests whose token does not verify now. */
export async function lostGuests(verifier: Verifier, issued: readonly IssuedGuest[]): Promise<number> {
  const verdicts = await Promise.all(
    issued.map(({ guestId, token }) => verifier.verify(token.reveal(), { subject: guestId })),
  )
  return verdicts.filter(({ valid }) => !valid).length
}
