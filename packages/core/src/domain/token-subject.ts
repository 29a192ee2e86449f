import type { GuestCredential } from './credential.ts'
import { guestIdOf } from './guest-id.ts'
import { profileIn, profileSecret } from './profile.ts'

/** The `sub` of the token that was imported for a guest; undefined where that is the guest id. */
export const foreignSubject = ({ profile }: GuestCredential): string | undefined => profileIn(profile).tokenSubject

/** The `sub` that the next token of a guest must carry. */
export const tokenSubjectOf = (guest: GuestCredential): string => foreignSubject(guest) ?? guestIdOf(guest)

/**
 * The guest with the `sub` of its tokens, which is stored only where it differs from the guest id. A profile
 * of a `sub` alone has no address.
 */
export function withTokenSubject<C extends GuestCredential>(guest: C, subject: string): C {
  const { tokenSubject: _former, ...rest } = profileIn(guest.profile)
  const next = subject === guestIdOf(guest) ? rest : { ...rest, tokenSubject: subject }
  const addressless = next.email === undefined ? { person: '' } : {}
  if (Object.keys(next).length > 0) return { ...guest, profile: profileSecret(next), ...addressless }
  const { profile: _none, person: _digest, ...plain } = guest
  return plain as C
}
