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
  /** The numbers of the key, as text: the same key listed twice counts once. Default: different from every other key. */
  readonly material?: string
  /** The same key for the other algorithm that it may serve: an RSA key that does not say which. */
  readonly other?: VerifyKey
  /** The key was given alone, without an id of its own: it also answers for tokens that name one. */
  readonly anyKid?: boolean
  verify(input: Uint8Array, signature: Uint8Array, many: boolean): boolean | Promise<boolean>
}

/** Makes keys of a platform: Web Crypto in browsers and workers, node:crypto in Node. */
export interface KeyMaker {
  /**
   * One key, or none for keys that must not be used: private, symmetric, weak, of other curves,
   * of a `use` other than `sig`.
   */
  fromJwk(jwk: Jwk): Promise<readonly VerifyKey[]>
  /** One or more PEM blocks: SubjectPublicKeyInfo, PKCS #1, certificates. Rejects with `config_invalid` when one is not usable. */
  fromPem(pem: string): Promise<readonly VerifyKey[]>
}

/** An entry of a key-set that is not used. */
export interface LeftOutKey {
  readonly kid?: string
  /** What it is called in messages: by its kid, or by its place, counted from 1. */
  readonly name: string
  /** A clause that says why, as `its use is not sig`. */
  readonly why: string
}

/** The keys at this moment. */
export interface KeySet {
  /** Counts changes of the set; remembered verdicts of another generation do not count. */
  readonly generation: number
  readonly keys: readonly VerifyKey[]
  /** Entries that were ignored (RFC 7517, section 5). Default: none. */
  readonly leftOut?: readonly LeftOutKey[]
  /** Asked about tokens that none of the keys fits. Its generation is that of this set. */
  readonly fallback?: KeySet
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
