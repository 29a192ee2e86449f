import type { Algorithm } from './verdict.ts'

/** RFC 7517, the members that are used. */
export interface Jwk {
  readonly kty: string
  readonly kid?: string
  readonly alg?: string
  readonly use?: string
  readonly key_ops?: readonly string[]
  readonly [member: string]: unknown
}

/** A public key ready for use. `verify` answers at once or later, as the platform can; `many` says that others are under way. */
export interface VerifyKey {
  readonly kid?: string
  readonly algorithm: Algorithm
  /** The key was given alone, without an id of its own: it also answers for tokens that name one. */
  readonly anyKid?: boolean
  verify(input: Uint8Array, signature: Uint8Array, many: boolean): boolean | Promise<boolean>
}

/** Makes keys of a platform: Web Crypto in browsers and workers, node:crypto in Node. */
export interface KeyMaker {
  /** Empty for keys that must not be used: private, symmetric, RSA under 2048 bits, other curves, `use` other than `sig`. */
  fromJwk(jwk: Jwk): Promise<readonly VerifyKey[]>
  /** SubjectPublicKeyInfo in PEM. Throws `config_invalid` when it is not a usable public key. */
  fromPem(pem: string): Promise<readonly VerifyKey[]>
}

/** The keys at this moment. */
export interface KeySet {
  /** Counts changes of the set; remembered verdicts of another generation do not count. */
  readonly generation: number
  readonly keys: readonly VerifyKey[]
}

/** Where a verifier gets its keys. */
export interface KeySource {
  /** The keys now, synchronously when they are at hand. Rejects with `keys_unavailable` when there are none. */
  keys(): KeySet | Promise<KeySet>
  /**
   * Asks for newer keys because of a token with an unknown kid or a failed signature. Answers true when the set changed.
   * At most one look per cool-down, whatever is asked.
   */
  lookAgain(): Promise<boolean>
}
