import type { Credential } from './credential.ts'
import { guestIdOf } from './guest-id.ts'
import { openProfile, sealedProfile } from './profile.ts'

/** The member of the profile. Upstream may have put anything there, so that it is sealed and erased with the person's data. */
const MEMBER = 'tokenSubject'

/** The `sub` that a token from outside brought, where it is not the id of the guest. */
export function foreignSubject({ profile }: Credential): string | undefined {
  const subject = openProfile(profile)[MEMBER]
  return typeof subject === 'string' ? subject : undefined
}

/** The `sub` that the next token of a guest must carry. */
export const tokenSubjectOf = (guest: Credential): string => foreignSubject(guest) ?? guestIdOf(guest)

/** The guest, with the `sub` of its tokens remembered where that is not its id. */
export function withTokenSubject<C extends Credential>(guest: C, subject: string): C {
  const { [MEMBER]: _former, ...rest } = openProfile(guest.profile)
  const next = subject === guestIdOf(guest) ? rest : { ...rest, [MEMBER]: subject }
  if (Object.keys(next).length > 0) return { ...guest, profile: sealedProfile(next) }
  const { profile: _none, ...plain } = guest
  return plain as C
}
