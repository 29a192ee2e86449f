import type { Secret } from '../domain/secret.ts'
import type { Millis } from '../domain/time.ts'
import type { AnswerFacts } from './answer.ts'

/** What an upstream API gave: tokens in our words, not yet checked, not yet stored. */
export interface GrantedTokens extends AnswerFacts {
  readonly access: Secret
  /** Absent: the old one, if there is one, stays. */
  readonly refresh?: Secret
  /** OpenID Connect Core, 2: says who signed in. Only a sign-in brings one. */
  readonly idToken?: Secret
  /** From the moment the request was sent; absent where only the token itself says when it ends. */
  readonly lifetime?: Millis
  /** Absent: those that were asked for (RFC 6749, 5.1). */
  readonly scopes?: readonly string[]
}
