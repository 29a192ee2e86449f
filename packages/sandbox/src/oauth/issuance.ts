import { type Clock, epochSeconds } from '../clock.ts'
import type { Keys } from '../keys.ts'
import type { Randomness } from '../random.ts'
import type { AccessTokens } from './access-tokens.ts'
import type { Family } from './family.ts'
import type { RefreshTokens } from './refresh-tokens.ts'
import type { TokenAnswer } from './token.ts'
import type { User } from './users.ts'

/** What a user agreed to. */
export interface SignIn extends Omit<Family, 'id' | 'ended'> {
  /** Goes back in the ID token. */
  readonly nonce?: string | undefined
}

export interface Issuance {
  /** Everything that a sign-in gives; the family exists before its tokens are signed. */
  signIn(terms: SignIn): { readonly family: Family; readonly answer: Promise<TokenAnswer> }
  /** A next access token, with a next refresh token where there is one. */
  refreshed(family: Family, scopes: readonly string[], refreshToken?: string): Promise<TokenAnswer>
}

export interface IssuanceParts {
  readonly issuer: () => string
  readonly clock: Clock
  readonly keys: Keys
  readonly random: Randomness
  readonly tokens: AccessTokens
  readonly refreshTokens: RefreshTokens
}

export function issuance(parts: IssuanceParts): Issuance {
  const { issuer, clock, keys, random, tokens, refreshTokens } = parts
  const refreshed: Issuance['refreshed'] = async (family, scopes, refreshToken) => ({
    access_token: await tokens.issue(family.client, scopes, family),
    token_type: 'bearer',
    expires_in: tokens.lifetime,
    ...(refreshToken !== undefined && { refresh_token: refreshToken }),
    scope: scopes.join(' '),
  })
  const idToken = ({ client, user, scopes, signedInAt }: Family, nonce: string | undefined): Promise<string> => {
    const iat = epochSeconds(clock.now())
    return keys.sign({
      iss: issuer(),
      sub: user.id,
      aud: client.id,
      org: client.organization.id,
      iat,
      exp: iat + tokens.lifetime,
      auth_time: epochSeconds(signedInAt),
      ...(nonce !== undefined && { nonce }),
      ...personal(user, scopes),
    })
  }
  return {
    signIn: ({ nonce, ...terms }) => {
      const family: Family = { ...terms, id: random.uuid(), ended: false }
      const refreshToken = refreshTokens.issue(family)
      const answer = async (): Promise<TokenAnswer> => ({
        ...(await refreshed(family, family.scopes, refreshToken)),
        ...(family.scopes.includes('openid') && { id_token: await idToken(family, nonce) }),
      })
      return { family, answer: answer() }
    },
    refreshed,
  }
}

/** OpenID Connect Core section 5.4: what the scopes `profile` and `email` open. */
function personal({ name, email }: User, scopes: readonly string[]): Record<string, unknown> {
  const [given, ...family] = name.split(' ')
  return {
    ...(scopes.includes('profile') && { name, given_name: given, family_name: family.join(' ') }),
    ...(scopes.includes('email') && { email, email_verified: true }),
  }
}
