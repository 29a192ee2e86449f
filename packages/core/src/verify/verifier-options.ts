import {
  callable,
  objectWithMethods,
  list,
  millis,
  required,
  oneOf,
  object,
  nonEmptyText,
  integer,
} from '../domain/options.ts'
import { type Instant, type Millis, SECOND } from '../domain/time.ts'
import { platform } from '../ports/schemas.ts'
import type { KeySource } from './keys.ts'
import type { Platform } from './platform.ts'
import { type Algorithm, ALGORITHMS } from './verdict.ts'

/** How a verifier checks tokens. */
export interface VerifierOptions {
  /** `givenKeys(…)`, `mirroredKeys(…)`, or the keys of a connection. */
  readonly keys: KeySource
  /**
   * `nodePlatform()` of `@guestpass/core/node`, or `webPlatform()` of `@guestpass/core/web`: the one that
   * imported the keys.
   */
  readonly platform: Platform
  /** The issuer's time, in epoch milliseconds: `Date.now`, or the clock of a connection's issuer. */
  readonly now: () => Instant
  /** Algorithms that are accepted. Default: RS256 alone. */
  readonly algorithms?: readonly Algorithm[] | undefined
  /** The `iss` claim that tokens must have. Default: not checked. */
  readonly issuer?: string | undefined
  /** A value that `aud` must be or contain. Default: not checked. */
  readonly audience?: string | undefined
  /** The claim that names the organisation, and the id that it must have. Default: not checked. */
  readonly organization?: { readonly claim: string; readonly id: string } | undefined
  /**
   * How far the clocks may be apart when `exp`, `nbf` and `iat` are checked, in milliseconds. At least 0,
   * default 5000.
   */
  readonly leewayMs?: Millis | undefined
  /**
   * Whether the token with this fingerprint was revoked. `fingerprint` of `@guestpass/core/runtime-kit` computes
   * it from a token. Called last, for tokens that are valid in all else. Default: revocation is not checked.
   */
  readonly denied?: ((fingerprint: string) => boolean | Promise<boolean>) | undefined
  /** How many checked signatures are remembered; 0 for none. Default 10,000. */
  readonly remember?: number | undefined
}

/** How far clocks may be apart when the dates of tokens are checked, in milliseconds, if `leewayMs` is not given. */
export const defaultLeeway: Millis = 5 * SECOND

const KEYS = 'Give givenKeys(…), mirroredKeys(…), or the keys of a connection.'

/** The schemas of algorithms and expected claims. */
export const pinSchemas = {
  algorithms: list(oneOf(...ALGORITHMS), 1),
  issuer: nonEmptyText,
  audience: nonEmptyText,
  organization: object<NonNullable<VerifierOptions['organization']>>({
    claim: required(nonEmptyText),
    id: required(nonEmptyText),
  }),
}

export const verifierSchema = object<VerifierOptions>({
  keys: required(objectWithMethods('a source of keys', ['keys', 'refetch'], KEYS)),
  platform: required(platform),
  now: required(callable("Give a function that answers the issuer's time, in milliseconds since 1970.")),
  ...pinSchemas,
  leewayMs: millis(0),
  denied: callable('Give a function that takes a fingerprint, or leave it out.'),
  remember: integer(0),
})
