import type { Claims } from '@guestpass/core'
import { scopesOfClaims } from '@guestpass/core/runtime-kit'
import type { Instant } from '@guestpass/core/store-kit'

/** The guest of a request, as its token names it. */
export interface Guest {
  /** The `sub` claim. Absent if the token has none. */
  readonly guestId?: string
  /** All claims, deeply frozen. */
  readonly claims: Claims
  /** The scopes of the token, each once. */
  readonly scopes: readonly string[]
  /** When the token expires, in milliseconds since the epoch. Absent if the token has no `exp` claim. */
  readonly expiresAt?: Instant
  /** Always true: the signature was checked. */
  readonly verified: true
}

/** A request that passed `guestAuth`. `guest` is absent if a token is optional and the request has none. */
export interface WithGuest {
  guest?: Guest
}

/** The guest of a valid token. */
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
