import type { Keys } from './keys.ts'
import type { Organization } from './oauth/clients.ts'
import type { Randomness } from './random.ts'

/** Whose token it is and what it allows. */
export interface GuestClaims {
  readonly guestId: string
  readonly organization: Organization
  readonly scopes: readonly string[]
  /** Seconds since the epoch. */
  readonly iat: number
  /** How many seconds it lives. */
  readonly seconds: number
}

/** A guest's token as the guest APIs sign it. */
export type GuestJwt = (claims: GuestClaims) => Promise<string>

export interface GuestJwtParts {
  readonly issuer: () => string
  readonly keys: Keys
  readonly random: Randomness
  /** Shape of the `scope` claim: both occur. */
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
