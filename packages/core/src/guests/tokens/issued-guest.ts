import type { GuestWithTokens } from '../../domain/credential.ts'
import { guestIdOf } from '../../domain/guest-id.ts'
import { tokenEnd } from '../../domain/plan.ts'
import { profileIn } from '../../domain/profile.ts'
import type { Secret } from '../../domain/secret.ts'
import type { Instant } from '../../domain/time.ts'
import type { CrmProfile } from '../../upstream/crm/wire.ts'
import type { PublicMembers } from '../../upstream/public-members.ts'

/** A guest with its token: the result of `issue`, `token` and `refresh`. */
export interface IssuedGuest {
  /** The id of the guest, by which later calls name it. */
  readonly guestId: string
  /** The API that issued the guest: a name of `guestApis`. */
  readonly api: string
  /** The token. `reveal()` gives it in clear, for the chat SDK. */
  readonly token: Secret
  /** When the token expires, in milliseconds since 1970. */
  readonly expiresAt: Instant
  /** The number of the token, from 1: each renewal adds one. */
  readonly generation: number
  /** Whether signature and claims were verified on receipt. False for an opaque token. */
  readonly verified: boolean
  /** The channel of an authenticated guest. */
  readonly channelId?: string
  /** The CRM's profile of an authenticated guest. Absent if the CRM has none or could not be reached. */
  readonly crm?: CrmProfile
  /**
   * The answer of the API that made an authenticated guest, without its tokens: `id` or `guestId`, `email`,
   * `createdDate`, `selfUri`, … At most 4096 characters as JSON. The property is not enumerable, because it
   * names the person: logs do not show it.
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

/** Gives a stored guest as callers know it, with what is known of the person if it is an authenticated guest. */
export function issuedAuthenticatedGuest(credential: GuestWithTokens): IssuedGuest {
  const { channelId } = credential.request ?? {}
  const { crm, upstream } = profileIn(credential.profile)
  const guest: IssuedGuest = {
    ...issuedGuest(credential),
    ...(channelId === undefined ? {} : { channelId }),
    ...(crm ? { crm } : {}),
  }
  return upstream ? Object.defineProperty(guest, 'upstream', { value: upstream }) : guest
}
