import { type Clock, epochSeconds } from '../clock.ts'
import type { GuestJwt } from '../guest-jwt.ts'
import { guestScopes } from '../guest-tokens/generate-token.ts'
import { createSessionOwners, personKey } from '../session-owners.ts'
import type { Organization } from '../oauth/clients.ts'
import type { Randomness } from '../random.ts'

/** The details of a guest in its create. */
interface GuestDetails {
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

/** A refresh token that was issued, also if it is spent or expired. */
interface GuestRefreshToken {
  readonly guestId: string
  readonly spent: boolean
  /** How often it was presented, with any answer. */
  readonly presented: number
}

/** A guest and its new tokens. */
interface GuestWithTokens {
  readonly guest: EngagementGuest
  readonly token: string
  readonly refreshToken: string
}

export interface Sessions {
  /** Lifetime of a token in seconds. */
  readonly tokenSeconds: number
  find(guestId: string): EngagementGuest | undefined
  /** Whether this address has a session on this channel. */
  hasSession(organization: Organization, details: GuestDetails): boolean
  /** Makes a guest. `givenId`: default a new id. `created` counts the guests of this address and channel so far. */
  create(
    organization: Organization,
    details: GuestDetails,
    givenId?: string,
  ): Promise<GuestWithTokens & { readonly created: number }>
  /** All guests, in the order in which they were made. */
  all(): readonly EngagementGuest[]
  /** Counts a presentation. Returns undefined if no such refresh token was issued. */
  present(refreshToken: string): GuestRefreshToken | undefined
  isRefreshable(guest: EngagementGuest): boolean
  /** Issues the next tokens, and spends the refresh token. */
  refresh(guest: EngagementGuest, refreshToken: string): Promise<GuestWithTokens>
  update(guest: EngagementGuest, attributes: Readonly<Record<string, unknown>>): EngagementGuest
  /** Whether a guest has a session: a token or a refresh token that is not expired. */
  isLive(guestId: string): boolean
  /** Ends the session of a guest, if there is one. */
  end(guestId: string): void
}

interface SessionParts {
  readonly clock: Clock
  readonly random: Randomness
  readonly newId: () => string
  readonly sign: GuestJwt
  readonly tokenSeconds: number
  readonly refreshSeconds: number
}

interface SessionState extends SessionParts {
  readonly guests: Map<string, EngagementGuest>
  readonly refreshTokens: Map<string, GuestRefreshToken>
}

const findGuest = ({ guests }: SessionState, guestId: string): EngagementGuest | undefined =>
  guests.get(guestId.toLowerCase())

function isLive(state: SessionState, guestId: string): boolean {
  const guest = findGuest(state, guestId)
  if (guest === undefined || guest.ended) return false
  return state.clock.now() < Math.max(guest.expiresAt, guest.refreshableUntil)
}

function keepGuest({ guests }: SessionState, guest: EngagementGuest): EngagementGuest {
  guests.set(guest.guestId.toLowerCase(), guest)
  return guest
}

/**
 * Issues the next tokens. All changes happen before the signature is awaited, so concurrent requests have one
 * order.
 */
async function issueTokens(
  state: SessionState,
  guest: Omit<EngagementGuest, 'updatedAt' | 'expiresAt' | 'refreshableUntil'>,
): Promise<GuestWithTokens> {
  const { clock, random, sign, tokenSeconds, refreshSeconds } = state
  const now = clock.now()
  const iat = epochSeconds(now)
  const times = {
    updatedAt: now,
    expiresAt: (iat + tokenSeconds) * 1000,
    refreshableUntil: now + refreshSeconds * 1000,
  }
  const next = keepGuest(state, { ...guest, ...times })
  const refreshToken = random.secret(32)
  state.refreshTokens.set(refreshToken, { guestId: next.guestId, spent: false, presented: 0 })
  const token = await sign({ ...next, scopes: guestScopes, iat, seconds: tokenSeconds })
  return { guest: next, refreshToken, token }
}

/** Changes the record of a refresh token. Returns undefined if no such token was issued. */
function changeRefreshToken(
  { refreshTokens }: SessionState,
  text: string,
  change: (token: GuestRefreshToken) => GuestRefreshToken,
): GuestRefreshToken | undefined {
  const token = refreshTokens.get(text)
  if (token === undefined) return undefined
  const changed = change(token)
  refreshTokens.set(text, changed)
  return changed
}

/**
 * The guests of the engagements API and their sessions. One address on one channel has at most one session.
 */
export function createSessions(parts: SessionParts): Sessions {
  const state: SessionState = { ...parts, guests: new Map(), refreshTokens: new Map() }
  const { clock } = parts
  const owners = createSessionOwners((guestId) => isLive(state, guestId))
  return {
    tokenSeconds: parts.tokenSeconds,
    find: (guestId) => findGuest(state, guestId),
    hasSession: (organization, { email, channelId }) =>
      owners.find(personKey(organization, email, channelId)) !== undefined,
    all: () => [...state.guests.values()],
    create: async (organization, details, givenId) => {
      const guestId = givenId ?? parts.newId()
      const created = owners.assign(personKey(organization, details.email, details.channelId), guestId)
      const guest = { ...details, guestId, organization, createdAt: clock.now(), refreshes: 0, ended: false }
      return { ...(await issueTokens(state, guest)), created }
    },
    present: (text) => changeRefreshToken(state, text, (token) => ({ ...token, presented: token.presented + 1 })),
    isRefreshable: ({ ended, refreshableUntil }) => !ended && clock.now() < refreshableUntil,
    refresh: (guest, text) => {
      changeRefreshToken(state, text, (token) => ({ ...token, spent: true }))
      return issueTokens(state, { ...guest, refreshes: guest.refreshes + 1 })
    },
    update: (guest, attributes) => keepGuest(state, { ...guest, attributes, updatedAt: clock.now() }),
    isLive: (guestId) => isLive(state, guestId),
    end: (guestId) => {
      const guest = findGuest(state, guestId)
      if (guest !== undefined) keepGuest(state, { ...guest, ended: true })
    },
  }
}
