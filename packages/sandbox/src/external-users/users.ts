import { type Clock, epochSeconds } from '../clock.ts'
import type { GuestJwt } from '../guest-jwt.ts'
import { guestScopes } from '../guest-tokens/generate-token.ts'
import { createSessionOwners, personKey } from '../session-owners.ts'
import type { Organization } from '../oauth/clients.ts'
import type { Randomness } from '../random.ts'

/** An external user with a token. */
interface ExternalUser {
  readonly id: string
  readonly token: string
  /** Milliseconds since the epoch. */
  readonly createdAt: number
  /** How many users of this address were made so far. */
  readonly created: number
}

/** A user that was made. Its token expires at `expiresAt`, in milliseconds. */
interface KnownUser {
  readonly id: string
  readonly email: string
  readonly expiresAt: number
  readonly ended: boolean
}

export interface ExternalUsers {
  /** Whether a user of this address has a token that is not expired. */
  hasSession(organization: Organization, email: string): boolean
  /** `givenId`: default a new id. */
  create(organization: Organization, email: string, givenId?: string): Promise<ExternalUser>
  /** All users, in the order in which they were made. */
  all(): readonly KnownUser[]
  /** Whether a user's token is not expired. */
  isLive(id: string): boolean
  /** Ends the session of a user, if there is one. */
  end(id: string): void
}

interface ExternalUserParts {
  readonly clock: Clock
  readonly random: Randomness
  readonly newId: () => string
  readonly sign: GuestJwt
  readonly tokenFormat: 'jwt' | 'opaque'
  readonly tokenSeconds: number
}

export function createExternalUsers(parts: ExternalUserParts): ExternalUsers {
  const { clock, random, newId, sign, tokenFormat, tokenSeconds: seconds } = parts
  const known = new Map<string, KnownUser>()
  const isLive = (id: string): boolean => {
    const user = known.get(id)
    return user !== undefined && !user.ended && clock.now() < user.expiresAt
  }
  const owners = createSessionOwners(isLive)
  return {
    hasSession: (organization, email) => owners.find(personKey(organization, email)) !== undefined,
    all: () => [...known.values()],
    create: async (organization, email, givenId) => {
      const createdAt = clock.now()
      const iat = epochSeconds(createdAt)
      const id = givenId ?? newId()
      known.set(id, { id, email, expiresAt: (iat + seconds) * 1000, ended: false })
      const created = owners.assign(personKey(organization, email), id)
      const claims = { guestId: id, organization, scopes: guestScopes, iat, seconds }
      return { id, createdAt, created, token: tokenFormat === 'jwt' ? await sign(claims) : random.secret(48) }
    },
    isLive,
    end: (id) => {
      const user = known.get(id)
      if (user !== undefined) known.set(id, { ...user, ended: true })
    },
  }
}
