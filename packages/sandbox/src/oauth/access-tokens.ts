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
  /** The sign-in that it comes from. Absent for client credentials. */
  readonly family?: TokenFamily | undefined
  readonly scopes: readonly string[]
  /** Milliseconds since the epoch. */
  readonly expiresAt: number
  readonly usage: RateLimitUsage
}

export interface AccessTokens {
  /** Lifetime of a new token in seconds. */
  readonly lifetime: number
  /** Issues a token. `of.audience`: default the audience of the sign-in, else the issuer. */
  issue(
    client: Client,
    scopes: readonly string[],
    of?: { readonly family?: TokenFamily; readonly audience?: string | undefined },
  ): Promise<string>
  /** Finds a token that was issued here, is not revoked and has not expired. */
  find(text: string): AccessToken | undefined
  revoke(text: string): void
}

/**
 * The format of access tokens: a JWT, a JWT of RFC 9068 (`at+jwt`, with `typ` and `aud`), or a random text.
 */
export type AccessTokenFormat = 'jwt' | 'at+jwt' | 'opaque'

export const accessTokenFormats = ['jwt', 'at+jwt', 'opaque'] as const satisfies readonly AccessTokenFormat[]

interface AccessTokenParts {
  readonly format: AccessTokenFormat
  /** Lifetime in seconds. */
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
