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
import type { Instant, Millis } from '../domain/time.ts'
import { platform } from '../ports/schemas.ts'
import type { KeySource } from './keys.ts'
import type { Platform } from './platform.ts'
import { type Algorithm, ALGORITHMS } from './verdict.ts'

export interface VerifierOptions {
  readonly keys: KeySource
  /** `nodePlatform()` of `@guestpass/core/node`, or `webPlatform()`; the one whose maker made the keys. */
  readonly platform: Platform
  /** The issuer's time, in milliseconds since the epoch. */
  readonly now: () => Instant
  /** Algorithms that are accepted. Default: RS256 alone. */
  readonly algorithms?: readonly Algorithm[] | undefined
  /** What `iss` must be. Default: not looked at. */
  readonly issuer?: string | undefined
  /** What `aud` must be, or have among its members. Default: not looked at. */
  readonly audience?: string | undefined
  /** The claim that names the issuing organisation, and the id that it must hold. Default: not looked at. */
  readonly organization?: { readonly claim: string; readonly id: string } | undefined
  /** How far the two clocks may be apart when `exp`, `nbf` and `iat` are judged, in milliseconds. Default 5000. */
  readonly leewayMs?: Millis | undefined
  /** Whether the token with this fingerprint was revoked; asked last, about tokens that are valid otherwise. */
  readonly denied?: ((fingerprint: string) => boolean | Promise<boolean>) | undefined
  /** How many checked signatures are remembered; 0 remembers none. Default 10,000. */
  readonly remember?: number | undefined
}

const KEYS = 'Give givenKeys(…), mirroredKeys(…), or the keys of a connection.'

/** What `iss`, `aud` and the organisation of tokens must be. */
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
  keys: required(objectWithMethods('a source of keys', ['keys', 'lookAgain'], KEYS)),
  platform: required(platform),
  now: required(callable("Give a function that answers the issuer's time, in milliseconds since 1970.")),
  ...pinSchemas,
  leewayMs: millis(0),
  denied: callable('Give a function that takes a fingerprint, or leave it out.'),
  remember: integer(0),
})
