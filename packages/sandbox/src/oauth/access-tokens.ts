import { type Clock, epochSeconds } from '../clock.ts'
import type { Keys } from '../keys.ts'
import type { RateLimitUsage, Limits } from '../limits.ts'
import type { Randomness } from '../random.ts'
import type { Client } from './clients.ts'
import { forgetExpired } from './expiry.ts'
import type { TokenFamily } from './token-family.ts'

/** An access token that was issued. */
export interface AccessToken {
  readonly client: Client
  /** The sign-in that it comes from; absent when the client speaks for itself. */
  readonly family?: TokenFamily | undefined
  readonly scopes: readonly string[]
  readonly expiresAt: number
  readonly usage: RateLimitUsage
}

export interface AccessTokens {
  /** Seconds that a new one lives. */
  readonly lifetime: number
  /** `of.audience`: default that of the sign-in. */
  issue(
    client: Client,
    scopes: readonly string[],
    of?: { readonly family?: TokenFamily; readonly audience?: string | undefined },
  ): Promise<string>
  /** The token if it was issued here, is not revoked and has not expired. */
  find(text: string): AccessToken | undefined
  revoke(text: string): void
}

export const accessTokenFormats = ['jwt', 'at+jwt', 'opaque'] as const

/** `at+jwt`: a JWT after RFC 9068. */
export type AccessTokenFormat = (typeof accessTokenFormats)[number]

export interface AccessTokenParts {
  readonly format: AccessTokenFormat
  /** Seconds. */
  readonly lifetime: number
  readonly issuer: () => string
  readonly clock: Clock
  readonly keys: Keys
  readonly limits: Limits
  readonly random: Randomness
}

export function createAccessTokens(parts: AccessTokenParts): AccessTokens {
  const { format, lifetime, issuer, clock, keys, limits, random } = parts
  const issued = new Map<string, AccessToken>()
  const text = (
    client: Client,
    scopes: readonly string[],
    { sub, aud, iat }: { readonly sub: string; readonly aud: string; readonly iat: number },
  ): Promise<string> | string => {
    if (format === 'opaque') return random.secret(64)
    const claims = {
      iss: issuer(),
      sub,
      client_id: client.id,
      org: client.organization.id,
      scope: scopes.join(' '),
      iat,
      exp: iat + lifetime,
      jti: random.uuid(),
    }
    return format === 'jwt' ? keys.sign(claims) : keys.sign({ ...claims, aud }, format)
  }
  return {
    lifetime,
    issue: async (client, scopes, { family, audience } = {}) => {
      const iat = epochSeconds(clock.now())
      const aud = audience ?? family?.audience ?? issuer()
      const token = await text(client, scopes, { sub: family?.user.id ?? client.id, aud, iat })
      forgetExpired(issued, clock.now())
      issued.set(token, { client, scopes, family, expiresAt: (iat + lifetime) * 1000, usage: limits.newUsage() })
      return token
    },
    find: (token) => {
      const found = issued.get(token)
      return found !== undefined && clock.now() < found.expiresAt && !found.family?.ended ? found : undefined
    },
    revoke: (token) => {
      issued.delete(token)
    },
  }
}
