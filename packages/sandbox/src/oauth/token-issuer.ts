import { createHash } from 'node:crypto'
import { type Clock, epochSeconds } from '../clock.ts'
import type { Algorithm, Keys } from '../keys.ts'
import type { Randomness } from '../random.ts'
import type { AccessTokens } from './access-tokens.ts'
import type { TokenFamily } from './token-family.ts'
import { personalClaims } from './personal-claims.ts'
import type { RefreshTokens } from './refresh-tokens.ts'
import type { TokenAnswer } from './token.ts'

/** The terms of a sign-in. */
export interface SignInTerms extends Omit<TokenFamily, 'id' | 'ended'> {
  /** A claim of the ID token. */
  readonly nonce?: string | undefined
}

export interface TokenIssuer {
  /** Issues the tokens of a sign-in. The family exists before its tokens are signed. */
  signIn(terms: SignInTerms): { readonly family: TokenFamily; readonly answer: Promise<TokenAnswer> }
  /** Issues the next access token. The answer contains `refreshToken` if it is given. */
  refreshed(family: TokenFamily, scopes: readonly string[], refreshToken?: string): Promise<TokenAnswer>
}

interface TokenIssuerParts {
  readonly issuer: () => string
  readonly clock: Clock
  readonly keys: Keys
  readonly random: Randomness
  readonly tokens: AccessTokens
  readonly refreshTokens: RefreshTokens
}

export function createTokenIssuer(parts: TokenIssuerParts): TokenIssuer {
  const { issuer, clock, keys, random, tokens, refreshTokens } = parts
  const refreshed: TokenIssuer['refreshed'] = async (family, scopes, refreshToken) => ({
    access_token: await tokens.issue(family.client, scopes, { family }),
    token_type: 'bearer',
    expires_in: tokens.lifetime,
    ...(refreshToken !== undefined && { refresh_token: refreshToken }),
    scope: scopes.join(' '),
  })
  const idToken = (family: TokenFamily, accessToken: string, nonce: string | undefined): Promise<string> => {
    const { client, user, scopes, signedInAt } = family
    const iat = epochSeconds(clock.now())
    return keys.sign({
      iss: issuer(),
      sub: user.id,
      aud: client.id,
      org: client.organization.id,
      iat,
      exp: iat + tokens.lifetime,
      auth_time: epochSeconds(signedInAt),
      at_hash: halfHash(accessToken, keys.algorithm),
      ...(nonce !== undefined && { nonce }),
      ...personalClaims(user, scopes),
    })
  }
  return {
    signIn: ({ nonce, ...terms }) => {
      const family: TokenFamily = { ...terms, id: random.uuid(), ended: false }
      const refreshToken = refreshTokens.issue(family)
      const answer = async (): Promise<TokenAnswer> => {
        const body = await refreshed(family, family.scopes, refreshToken)
        if (!family.scopes.includes('openid')) return body
        return { ...body, id_token: await idToken(family, String(body['access_token']), nonce) }
      }
      return { family, answer: answer() }
    },
    refreshed,
  }
}

/** `at_hash` (OpenID Connect Core, section 3.1.3.6): the left half of the hash of the algorithm. */
function halfHash(accessToken: string, algorithm: Algorithm): string {
  const hash = createHash(algorithm === 'EdDSA' ? 'sha512' : 'sha256')
    .update(accessToken)
    .digest()
  return hash.subarray(0, hash.length / 2).toString('base64url')
}
