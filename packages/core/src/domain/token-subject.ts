import type { GuestCredential } from './credential.ts'
import { guestIdOf } from './guest-id.ts'
import { profileIn, profileSecret } from './profile.ts'

/** The `sub` of the token that was imported for a guest; undefined where that is the guest id. */
export const foreignSubject = ({ profile }: GuestCredential): string | undefined => profileIn(profile).tokenSubject

/** The `sub` that the next token of a guest must carry. */
export const tokenSubjectOf = (guest: GuestCredential): string => foreignSubject(guest) ?? guestIdOf(guest)

/** The guest with the `sub` of its tokens, which is stored only where it differs from the guest id. */
export function withTokenSubject<C extends GuestCredential>(guest: C, subject: string): C {
  const { tokenSubject: _former, ...rest } = profileIn(guest.profile)
  const next = subject === guestIdOf(guest) ? rest : { ...rest, tokenSubject: subject }
  if (Object.keys(next).length > 0) return { ...guest, profile: profileSecret(next) }
  const { profile: _none, ...plain } = guest
  return plain as C
}
