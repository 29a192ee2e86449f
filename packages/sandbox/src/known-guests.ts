import { type Clock, iso } from './clock.ts'
import type { Sessions } from './engagements/sessions.ts'
import type { ExistingGuest } from './existing-guests.ts'
import type { ExternalUsers } from './external-users/users.ts'
import { guestScopes } from './guest-tokens/generate-token.ts'
import type { Guests } from './guest-tokens/guests.ts'
import type { Organization } from './oauth/clients.ts'
import type { Randomness } from './random.ts'

/** A guest that the sandbox knows, without its tokens. */
export interface SandboxGuest {
  readonly api: 'guest-tokens' | 'engagements' | 'external-users'
  readonly guestId: string
  /** Absent for `guest-tokens`. */
  readonly email?: string
  /** For `engagements` only. */
  readonly channelId?: string
  /** When its latest token expires (ISO 8601). */
  readonly expiresAt: string
  /** Whether it has a session: a token that is not expired, or for `engagements` a refresh token. */
  readonly live: boolean
}

/** The guests of all APIs. */
export interface GuestLists {
  readonly clock: Clock
  readonly guests: Guests
  readonly sessions: Sessions
  readonly users: ExternalUsers
}

/** Lists the guests of all APIs, each API in the order in which they were made. */
export function listGuests({ clock, guests, sessions, users }: GuestLists): SandboxGuest[] {
  return [
    ...guests.all().map(({ guestId, expiresAt }): SandboxGuest => {
      return { api: 'guest-tokens', guestId, expiresAt: iso(expiresAt), live: clock.now() < expiresAt }
    }),
    ...sessions.all().map(({ guestId, email, channelId, expiresAt }): SandboxGuest => {
      const live = sessions.isLive(guestId)
      return { api: 'engagements', guestId, email, channelId, expiresAt: iso(expiresAt), live }
    }),
    ...users.all().map(({ id, email, expiresAt }): SandboxGuest => {
      return { api: 'external-users', guestId: id, email, expiresAt: iso(expiresAt), live: users.isLive(id) }
    }),
  ]
}

interface AddedGuests {
  readonly given: readonly ExistingGuest[]
  readonly organization: Organization
  /** The channel of guests that name none. */
  readonly channelId: string
  readonly random: Randomness
}

/** Lifetime of the token of an existing guest of `guest-tokens`, in seconds. */
const TOKEN_SECONDS = 3600

/** Makes the guests of the options. Their tokens go to no caller. */
export async function addGuests(lists: GuestLists, { given, organization, channelId, random }: AddedGuests) {
  const { guests, sessions, users } = lists
  for (const { api = 'engagements', guestId, email = '', ...details } of given) {
    if (api === 'guest-tokens') {
      const terms = { guestId: guestId ?? random.uuid(), durationSeconds: TOKEN_SECONDS, scopes: guestScopes }
      await guests.mint(organization, terms)
    } else if (api === 'external-users') {
      await users.create(organization, email, guestId)
    } else {
      const { name, attributes } = details
      const person = { email, channelId: details.channelId ?? channelId, name, attributes }
      await sessions.create(organization, person, guestId)
    }
  }
}
