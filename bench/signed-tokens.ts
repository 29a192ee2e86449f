import { generateKeyPairSync, type KeyObject, randomUUID, sign } from 'node:crypto'

export type Algorithm = 'RS256' | 'ES256'

/** Keys of an issuer, and tokens signed with them. */
export interface SignedTokens {
  readonly algorithm: Algorithm
  readonly publicKey: KeyObject
  readonly jwks: { readonly keys: readonly { readonly kty: string; readonly kid: string; readonly alg: string }[] }
  readonly issuer: string
  readonly subject: string
  /** All different, all valid. */
  readonly tokens: readonly string[]
  /** What has to be checked of each token, in the form in which node:crypto does it fastest. */
  readonly bytes: readonly { readonly input: Buffer; readonly signature: Buffer }[]
  /** Tokens that every verifier must refuse, by their fault. */
  readonly wrong: Readonly<Record<string, string>>
}

const HOUR_SECONDS = 3_600

/** A fresh key and so many tokens that look like those of guests. */
export function signedTokens(algorithm: Algorithm, count: number): SignedTokens {
  const { publicKey, privateKey } = keyPair(algorithm)
  const stranger = keyPair(algorithm).privateKey
  const kid = randomUUID()
  const issuer = 'https://login.example.com'
  const subject = randomUUID()
  const now = Math.floor(Date.now() / 1_000)
  const claims = (): object => ({
    iss: issuer,
    sub: subject,
    aud: 'guests',
    org: 'b7a3a9a0-2f0b-4f0e-8f4c-5a1a3f6f0c11',
    jti: randomUUID(),
    iat: now,
    exp: now + HOUR_SECONDS,
    scope: 'conversations:webmessaging conversations:webmessaging:messages',
  })
  const token = (key: KeyObject, differing: object = {}): string =>
    signed(algorithm, key, { alg: algorithm, typ: 'JWT', kid }, { ...claims(), ...differing })
  const tokens = Array.from({ length: count }, () => token(privateKey))
  return {
    algorithm,
    publicKey,
    jwks: { keys: [{ ...publicKey.export({ format: 'jwk' }), kid, alg: algorithm, use: 'sig' } as never] },
    issuer,
    subject,
    tokens,
    bytes: tokens.map((one) => {
      const input = Buffer.from(one.slice(0, one.lastIndexOf('.')))
      return { input, signature: sign('sha256', input, privateKey) }
    }),
    wrong: {
      signature: token(stranger),
      expired: token(privateKey, { iat: now - 2 * HOUR_SECONDS, exp: now - HOUR_SECONDS }),
      'without an end': token(privateKey, { exp: undefined }),
      subject: token(privateKey, { sub: randomUUID() }),
      unsigned: `${part({ alg: 'none', typ: 'JWT', kid })}.${part(claims())}.`,
    },
  }
}

function keyPair(algorithm: Algorithm): { publicKey: KeyObject; privateKey: KeyObject } {
  return algorithm === 'RS256'
    ? generateKeyPairSync('rsa', { modulusLength: 2_048 })
    : generateKeyPairSync('ec', { namedCurve: 'P-256' })
}

function signed(algorithm: Algorithm, key: KeyObject, header: object, claims: object): string {
  const input = `${part(header)}.${part(claims)}`
  const signature = sign('sha256', Buffer.from(input), algorithm === 'ES256' ? { key, dsaEncoding: 'ieee-p1363' } : key)
  return `${input}.${signature.toString('base64url')}`
}

const part = (value: object): string => Buffer.from(JSON.stringify(value)).toString('base64url')
