import type { Algorithm } from './verdict.ts'

/** A JSON Web Key (RFC 7517, section 4) with the members that are used. */
export interface Jwk {
  readonly kty: string
  readonly kid?: string
  readonly alg?: string
  readonly use?: string
  readonly key_ops?: readonly string[]
  readonly [member: string]: unknown
}

/** A public key that is imported, and can check signatures. */
export interface VerifyKey {
  readonly kid?: string
  readonly algorithm: Algorithm
  /**
   * The numbers of the key as text, by which a key that is listed twice counts once. Default: equal to no
   * other key.
   */
  readonly material?: string
  /** The same key for a second algorithm: an RSA key without an `alg` serves RS256 and PS256. */
  readonly other?: VerifyKey
  /** Whether the key fits tokens with any `kid`, because it was given without an id. Default false. */
  readonly anyKid?: boolean
  /**
   * Checks a signature.
   *
   * @param input the signed text as bytes
   * @param signature the bytes of the signature
   * @param many whether other checks are in flight: Node then uses its thread pool
   * @returns whether the signature is right; a promise where the platform needs time
   */
  verify(input: Uint8Array, signature: Uint8Array, many: boolean): boolean | Promise<boolean>
}

/** Imports keys on a platform: with Web Crypto in browsers and workers, with node:crypto in Node. */
export interface KeyMaker {
  /**
   * Imports a JSON Web Key. Resolves to one key, or to none for a key that must not be used: private,
   * symmetric, weak, of another curve, or with a `use` other than `sig`.
   */
  fromJwk(jwk: Jwk): Promise<readonly VerifyKey[]>
  /**
   * Imports one or more PEM blocks: SubjectPublicKeyInfo, PKCS #1 or certificates. Rejects with
   * `config_invalid` when one of them cannot be used.
   */
  fromPem(pem: string): Promise<readonly VerifyKey[]>
}

/** An entry of a key-set that is not used. */
export interface LeftOutKey {
  readonly kid?: string
  /** Its name in messages: by its kid, or by its place, from 1. */
  readonly name: string
  /** Why it is not used, as a clause: `its use is not sig`. */
  readonly why: string
}

/** The keys of an issuer at one moment. */
export interface KeySet {
  /**
   * Grows by one with each change of the keys. A signature that is remembered from another generation is
   * checked again.
   */
  readonly generation: number
  readonly keys: readonly VerifyKey[]
  /** The entries that are not used (RFC 7517, section 5). Default: none. */
  readonly leftOut?: readonly LeftOutKey[]
  /** Keys for tokens that none of these keys fits. Its generation is that of this set. */
  readonly fallback?: KeySet
}

/** Where a verifier gets its keys: `givenKeys(…)`, `mirroredKeys(…)`, or the keys of a connection. */
export interface KeySource {
  /**
   * The keys now; a promise where they must be fetched first. Rejects with `keys_unavailable` when there are
   * none.
   */
  keys(): KeySet | Promise<KeySet>
  /**
   * Fetches the keys again, because of a token with an unknown `kid` or a wrong signature. It fetches at most
   * once in a cool-down (default 30 s), however often it is called. Resolves to whether the keys changed. Keys
   * that are given never change.
   */
  refetch(): Promise<boolean>
}
