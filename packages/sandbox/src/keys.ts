import { createHash } from 'node:crypto'
import {
  calculateJwkThumbprint,
  exportJWK,
  generateKeyPair,
  SignJWT,
  type CryptoKey,
  type JWK,
  type JWTPayload,
} from 'jose'

/** A signature algorithm of the sandbox's tokens (RFC 7518, RFC 8037). */
export type Algorithm = 'RS256' | 'PS256' | 'ES256' | 'EdDSA'

export const algorithms = ['RS256', 'PS256', 'ES256', 'EdDSA'] as const satisfies readonly Algorithm[]

/** The published key-set (RFC 7517) as it is sent. */
interface KeySet {
  readonly body: string
  readonly etag: string
}

/** The signing keys: one signs, all are published. */
export interface Keys {
  readonly algorithm: Algorithm
  /** Signs a compact JWT with `typ` (default `JWT`), `alg` and `kid` in its header. */
  sign(claims: JWTPayload, typ?: string): Promise<string>
  published(): KeySet
  /**
   * Signs with a new key from now on. The old keys stay published unless `drop`. Returns the new key's id.
   */
  readonly roll: (options?: { readonly drop?: boolean | undefined }) => Promise<string>
  /** Signs with the first key again, and publishes it alone. */
  reset(): void
}

interface SigningKey {
  readonly kid: string
  readonly privateKey: CryptoKey
  readonly jwk: JWK
}

export async function createKeys(algorithm: Algorithm): Promise<Keys> {
  const first = await signingKey(algorithm)
  let current = first
  let set: readonly SigningKey[] = [first]
  let published = keySet(set)
  return {
    algorithm,
    sign: (claims, typ = 'JWT') => {
      const { kid, privateKey } = current
      return new SignJWT(claims).setProtectedHeader({ alg: algorithm, kid, typ }).sign(privateKey)
    },
    published: () => published,
    roll: async ({ drop = false } = {}) => {
      const key = await signingKey(algorithm)
      current = key
      set = drop ? [key] : [key, ...set]
      published = keySet(set)
      return key.kid
    },
    reset: () => {
      current = first
      set = [first]
      published = keySet(set)
    },
  }
}

async function signingKey(algorithm: Algorithm): Promise<SigningKey> {
  const { privateKey, publicKey } = await generateKeyPair(algorithm)
  const bare = await exportJWK(publicKey)
  const kid = await calculateJwkThumbprint(bare)
  return { kid, privateKey, jwk: { ...bare, kid, use: 'sig', alg: algorithm } }
}

function keySet(set: readonly SigningKey[]): KeySet {
  const body = JSON.stringify({ keys: set.map(({ jwk }) => jwk) })
  return { body, etag: `"${createHash('sha256').update(body).digest('base64url').slice(0, 22)}"` }
}
