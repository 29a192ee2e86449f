import type { Secret } from '../domain/secret.ts'
import type { Millis } from '../domain/time.ts'
import type { AnswerFacts } from './answer.ts'

/** Tokens that an upstream API issued. They are not yet verified, and not yet stored. */
export interface GrantedTokens extends AnswerFacts {
  readonly access: Secret
  /** The next refresh token. Absent: the previous one stays valid. */
  readonly refresh?: Secret
  /** The ID token of a sign-in (OpenID Connect Core, 2). */
  readonly idToken?: Secret
  /**
   * The lifetime in milliseconds, from the moment when the request was sent. Absent: the token itself says
   * when it expires.
   */
  readonly lifetime?: Millis
  /** The granted scopes. Absent: those that were requested (RFC 6749, 5.1). */
  readonly scopes?: readonly string[]
}
