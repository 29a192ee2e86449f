import type { Keys } from './keys.ts'
import type { Organization } from './oauth/clients.ts'
import type { Randomness } from './random.ts'

/** The guest, scopes and times of a guest token. */
interface GuestClaims {
  readonly guestId: string
  readonly organization: Organization
  readonly scopes: readonly string[]
  /** Seconds since the epoch. */
  readonly iat: number
  /** Lifetime in seconds. */
  readonly seconds: number
}

/** Signs a guest token with the claims of the guest APIs. */
export type GuestJwt = (claims: GuestClaims) => Promise<string>

interface GuestJwtParts {
  readonly issuer: () => string
  readonly keys: Keys
  readonly random: Randomness
  /** The shape of the claim `scope`: the platform uses both. */
  readonly scopeFormat: 'array' | 'string'
}

export function createGuestJwt({ issuer, keys, random, scopeFormat }: GuestJwtParts): GuestJwt {
  return ({ guestId, organization, scopes, iat, seconds }) =>
    keys.sign({
      iss: issuer(),
      aud: 'webmessaging',
      sub: guestId,
      org: organization.id,
      scope: scopeFormat === 'array' ? [...scopes] : scopes.join(' '),
      iat,
      nbf: iat,
      exp: iat + seconds,
      jti: random.uuid(),
    })
}
