import { generateKeyPairSync, type KeyPairKeyObjectResult } from 'node:crypto'
import type { Algorithm } from '@guestpass/core'
import type { JWK } from 'oidc-provider'

const pairs: Readonly<Record<Algorithm, () => KeyPairKeyObjectResult>> = {
  RS256: () => generateKeyPairSync('rsa', { modulusLength: 2048 }),
  PS256: () => generateKeyPairSync('rsa', { modulusLength: 2048 }),
  ES256: () => generateKeyPairSync('ec', { namedCurve: 'P-256' }),
  EdDSA: () => generateKeyPairSync('ed25519'),
}

/** A new key that signs with one algorithm. */
interface SigningKey {
  readonly publicJwk: JWK
  readonly privateJwk: JWK
  /** PKCS #8. */
  readonly privatePem: string
}

export function signingKey(algorithm: Algorithm, kid: string): SigningKey {
  const { publicKey, privateKey } = pairs[algorithm]()
  const of = { kid, use: 'sig', alg: algorithm }
  return {
    publicJwk: { ...publicKey.export({ format: 'jwk' }), ...of },
    privateJwk: { ...privateKey.export({ format: 'jwk' }), ...of },
    privatePem: privateKey.export({ format: 'pem', type: 'pkcs8' }).toString(),
  }
}
