import type { Claims } from '@guestpass/core'
import { scopesOfClaims } from '@guestpass/core/runtime-kit'
import type { Instant } from '@guestpass/core/store-kit'

/** The guest of a request, by the token that came with it. */
export interface Guest {
  /** The `sub` claim; absent where the token has none. */
  readonly guestId?: string
  /** All claims, deeply frozen. */
  readonly claims: Claims
  /** The scopes of the token, each once. */
  readonly scopes: readonly string[]
  /** When the token ends, in milliseconds since the epoch. */
  readonly expiresAt?: Instant
  /** The signature was checked. */
  readonly verified: true
}

/** A request that passed `guestAuth`; `guest` is absent where a token was optional and none came. */
export interface WithGuest {
  guest?: Guest
}

/** The guest that a valid token speaks of. */
export function guestFromClaims(claims: Claims): Guest {
  const { sub, exp } = claims
  return Object.freeze({
    ...(typeof sub === 'string' ? { guestId: sub } : {}),
    claims,
    scopes: Object.freeze(scopesOfClaims(claims)),
    ...(typeof exp === 'number' ? { expiresAt: Math.floor(exp * 1000) } : {}),
    verified: true as const,
  })
}
