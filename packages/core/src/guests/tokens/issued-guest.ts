import type { GuestWithTokens } from '../../domain/credential.ts'
import { guestIdOf } from '../../domain/guest-id.ts'
import { tokenEnd } from '../../domain/plan.ts'
import { openProfile } from '../../domain/profile.ts'
import type { Secret } from '../../domain/secret.ts'
import type { Instant } from '../../domain/time.ts'
import type { CrmProfile } from '../../upstream/crm/wire.ts'
import type { PublicMembers } from '../../upstream/public-members.ts'

/** A guest and its token, as handed out. */
export interface IssuedGuest {
  readonly guestId: string
  readonly api: string
  readonly token: Secret
  readonly expiresAt: Instant
  readonly generation: number
  /** Whether the signature was checked on receipt. */
  readonly verified: boolean
  /** Of an authenticated guest. */
  readonly channelId?: string
  /** What the CRM knows of an authenticated guest; absent when it knows nothing, or could not be asked. */
  readonly crm?: CrmProfile
  /**
   * What the API answered when it made an authenticated guest, as it came and without its tokens: `id` or `guestId`, `email`,
   * `createdDate`, `selfUri`, … At most 4096 characters as JSON. It names the person, so that the property is not enumerable: a guest
   * that is logged does not show it.
   */
  readonly upstream?: PublicMembers
}

export const issuedGuest = (credential: GuestWithTokens): IssuedGuest => {
  const { api, tokens, generation } = credential
  return {
    guestId: guestIdOf(credential),
    api,
    token: tokens.access,
    expiresAt: tokenEnd(tokens),
    generation,
    verified: tokens.verified,
  }
}

/** The same with what is known of the person. */
export function issuedAuthenticatedGuest(credential: GuestWithTokens): IssuedGuest {
  const { channelId } = credential.request ?? {}
  const { crm, upstream } = openProfile(credential.profile)
  const guest: IssuedGuest = {
    ...issuedGuest(credential),
    ...(channelId === undefined ? {} : { channelId }),
    ...(crm ? { crm } : {}),
  }
  return upstream ? Object.defineProperty(guest, 'upstream', { value: upstream }) : guest
}
