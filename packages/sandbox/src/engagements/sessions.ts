import { type Clock, epochSeconds } from '../clock.ts'
import type { GuestJwt } from '../guest-jwt.ts'
import { guestScopes } from '../guest-tokens/generate-token.ts'
import { createSessionOwners, personKey } from '../session-owners.ts'
import type { Organization } from '../oauth/clients.ts'
import type { Randomness } from '../random.ts'

/** Who a guest was said to be. */
export interface GuestDetails {
  readonly email: string
  readonly channelId: string
  readonly name?: string | undefined
  readonly attributes?: Readonly<Record<string, unknown>> | undefined
}

/** A guest of the engagements API and its session. Times in milliseconds. */
export interface EngagementGuest extends GuestDetails {
  readonly guestId: string
  readonly organization: Organization
  readonly createdAt: number
  readonly updatedAt: number
  /** When its latest token expires. */
  readonly expiresAt: number
  /** Until when its refresh token can be used. */
  readonly refreshableUntil: number
  /** How many refreshes have taken effect. */
  readonly refreshes: number
  /** Whether the platform ended the session. */
  readonly ended: boolean
}

/** A refresh token that was issued, dead or alive. */
export interface GuestRefreshToken {
  readonly guestId: string
  readonly spent: boolean
  /** How often it has come in, whatever was answered. */
  readonly presented: number
}

/** A guest with its new tokens. */
export interface GuestWithTokens {
  readonly guest: EngagementGuest
  readonly token: string
  readonly refreshToken: string
}

export interface Sessions {
  /** Seconds that a token lives. */
  readonly tokenSeconds: number
  find(guestId: string): EngagementGuest | undefined
  /** Whether this person has a session on this channel. */
  hasSession(organization: Organization, person: GuestDetails): boolean
  /** A new guest; `created` counts those of the same address and channel so far. */
  create(organization: Organization, person: GuestDetails): Promise<GuestWithTokens & { readonly created: number }>
  /** Counts a presentation. Undefined when no such refresh token was issued. */
  present(refreshToken: string): GuestRefreshToken | undefined
  isRefreshable(guest: EngagementGuest): boolean
  /** The next tokens; the refresh token is spent. */
  refresh(guest: EngagementGuest, refreshToken: string): Promise<GuestWithTokens>
  update(guest: EngagementGuest, attributes: Readonly<Record<string, unknown>>): EngagementGuest
  /** Whether a guest has a session: a token or a refresh token that is good. */
  isLive(guestId: string): boolean
  /** Ends the session of a guest, if there is one. */
  end(guestId: string): void
}

export interface SessionParts {
  readonly clock: Clock
  readonly random: Randomness
  readonly newId: () => string
  readonly sign: GuestJwt
  readonly tokenSeconds: number
  readonly refreshSeconds: number
}

export function createSessions({ clock, random, newId, sign, tokenSeconds, refreshSeconds }: SessionParts): Sessions {
  const known = new Map<string, EngagementGuest>()
  const refreshTokens = new Map<string, GuestRefreshToken>()
  const find = (guestId: string): EngagementGuest | undefined => known.get(guestId.toLowerCase())
  const live = (guestId: string): boolean => {
    const guest = find(guestId)
    return guest !== undefined && !guest.ended && clock.now() < Math.max(guest.expiresAt, guest.refreshableUntil)
  }
  const held = createSessionOwners(live)
  const keep = (guest: EngagementGuest): EngagementGuest => {
    known.set(guest.guestId.toLowerCase(), guest)
    return guest
  }
  // Everything before the signature happens at once, so that of requests at the same time one comes first.
  const issue = async (
    guest: Omit<EngagementGuest, 'updatedAt' | 'expiresAt' | 'refreshableUntil'>,
  ): Promise<GuestWithTokens> => {
    const now = clock.now()
    const iat = epochSeconds(now)
    const expiresAt = (iat + tokenSeconds) * 1000
    const next = keep({ ...guest, updatedAt: now, expiresAt, refreshableUntil: now + refreshSeconds * 1000 })
    const refreshToken = random.text(32)
    refreshTokens.set(refreshToken, { guestId: next.guestId, spent: false, presented: 0 })
    return {
      guest: next,
      refreshToken,
      token: await sign({ ...next, scopes: guestScopes, iat, seconds: tokenSeconds }),
    }
  }
  const change = (
    text: string,
    how: (token: GuestRefreshToken) => GuestRefreshToken,
  ): GuestRefreshToken | undefined => {
    const token = refreshTokens.get(text)
    if (token === undefined) return undefined
    const changed = how(token)
    refreshTokens.set(text, changed)
    return changed
  }
  return {
    tokenSeconds: tokenSeconds,
    find,
    hasSession: (organization, { email, channelId }) =>
      held.find(personKey(organization, email, channelId)) !== undefined,
    create: async (organization, person) => {
      const guestId = newId()
      const created = held.assign(personKey(organization, person.email, person.channelId), guestId)
      const begun = { ...person, guestId, organization, createdAt: clock.now(), refreshes: 0, ended: false }
      return { ...(await issue(begun)), created }
    },
    present: (text) => change(text, (token) => ({ ...token, presented: token.presented + 1 })),
    isRefreshable: ({ ended, refreshableUntil }) => !ended && clock.now() < refreshableUntil,
    refresh: (guest, text) => {
      change(text, (token) => ({ ...token, spent: true }))
      return issue({ ...guest, refreshes: guest.refreshes + 1 })
    },
    update: (guest, attributes) => keep({ ...guest, attributes, updatedAt: clock.now() }),
    isLive: live,
    end: (guestId) => {
      const guest = find(guestId)
      if (guest !== undefined) keep({ ...guest, ended: true })
    },
  }
}
