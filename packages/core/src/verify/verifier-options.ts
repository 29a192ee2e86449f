import { call, having, list, millis, needed, oneOf, record, text, whole } from '../domain/options.ts'
import type { Instant, Millis } from '../domain/time.ts'
import { platform } from '../ports/kinds.ts'
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
export const pinKinds = {
  algorithms: list(oneOf(...ALGORITHMS), 1),
  issuer: text,
  audience: text,
  organization: record<NonNullable<VerifierOptions['organization']>>({ claim: needed(text), id: needed(text) }),
}

export const verifierKind = record<VerifierOptions>({
  keys: needed(having('a source of keys', ['keys', 'lookAgain'], KEYS)),
  platform: needed(platform),
  now: needed(call("Give a function that answers the issuer's time, in milliseconds since 1970.")),
  ...pinKinds,
  leewayMs: millis(0),
  denied: call('Give a function that takes a fingerprint, or leave it out.'),
  remember: whole(0),
})
