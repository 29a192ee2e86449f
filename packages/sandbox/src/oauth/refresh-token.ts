import type { Clock } from '../clock.ts'
import type { Call } from '../endpoint.ts'
import type { Client } from './clients.ts'
import { required } from './form.ts'
import { invalidGrant } from './invalid-grant.ts'
import type { TokenIssuer } from './token-issuer.ts'
import type { RefreshToken, RefreshTokens } from './refresh-tokens.ts'
import { grantedScopes } from './scopes.ts'
import type { Grant, TokenAnswer } from './token.ts'

/** What happens when a spent refresh token is presented again. */
interface RefreshRules {
  /**
   * `strict`: its sign-in ends. `grace`: its answer is repeated for `graceMs` milliseconds; after that, as
   * `strict`.
   */
  readonly profile: 'strict' | 'grace'
  readonly graceMs: number
  /** False: a refresh token stays valid, and answers contain no other. */
  readonly rotate: boolean
}

interface RefreshGrantParts {
  readonly rules: RefreshRules
  readonly refreshTokens: RefreshTokens
  readonly issuer: TokenIssuer
  readonly clock: Clock
}

type Spent = NonNullable<RefreshToken['spent']>

/** The refresh token grant: RFC 6749, section 6, with rotation. */
export function refreshTokenGrant({ rules, refreshTokens, issuer, clock }: RefreshGrantParts): Grant {
  const again = ({ family }: RefreshToken, { at, answer }: Spent, call: Call): Promise<TokenAnswer> => {
    if (rules.profile === 'grace' && !family.ended && clock.now() < at + rules.graceMs) {
      call.note({ replayed: true })
      return answer
    }
    family.ended = true
    call.note({ reuse: true })
    throw invalidGrant('the refresh token was used before; everything from this sign-in is revoked')
  }
  return {
    type: 'refresh_token',
    tokens: (client, form, call) => {
      const text = required(form, 'refresh_token')
      const token = known(refreshTokens.present(text), client, call)
      if (token.spent !== undefined) return again(token, token.spent, call)
      if (token.family.ended) throw invalidGrant('the refresh token is revoked')
      const scopes = grantedScopes(form['scope'], token.family.scopes)
      if (!rules.rotate) {
        refreshTokens.prolong(text)
        return issuer.refreshed(token.family, scopes)
      }
      const answer = issuer.refreshed(token.family, scopes, refreshTokens.issue(token.family))
      refreshTokens.spend(text, answer)
      return answer
    },
  }
}

function known(token: RefreshToken | undefined, client: Client, call: Call): RefreshToken {
  if (token === undefined) throw invalidGrant('the refresh token is not known, or was not used for 30 days')
  call.note({ presented: token.presented, family: token.family.id })
  if (token.family.client.id !== client.id) throw invalidGrant('the refresh token was issued to another client')
  return token
}
