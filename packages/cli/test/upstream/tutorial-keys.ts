import { generateKeyPairSync, randomUUID, sign } from 'node:crypto'

/** Signs what one issuer gives out. */
export interface TutorialKey {
  /** The public key, in PEM. */
  readonly pem: string
  /** The public key, as a member of a key-set. */
  readonly jwk: object
  /** A token that lives an hour, unless its claims say otherwise. */
  jwt(claims: Readonly<Record<string, unknown>>): string
}

const newPair = () => generateKeyPairSync('rsa', { modulusLength: 2048 })

/** The keys by their ids, made once in this process: it takes a processor a tenth of a second. */
const pairs = new Map<string, ReturnType<typeof newPair>>()

/** `given`: takes every token that is signed. */
export function tutorialKey(kid: string, given: string[]): TutorialKey {
  const pair = pairs.get(kid) ?? newPair()
  pairs.set(kid, pair)
  const { privateKey, publicKey } = pair
  const part = (value: object): string => Buffer.from(JSON.stringify(value)).toString('base64url')
  return {
    pem: publicKey.export({ type: 'spki', format: 'pem' }).toString(),
    jwk: { ...publicKey.export({ format: 'jwk' }), kid, use: 'sig', alg: 'RS256' },
    jwt(claims) {
      const now = Math.floor(Date.now() / 1_000)
      const payload = { iat: now, exp: now + 3_600, jti: randomUUID(), ...claims }
      const input = `${part({ alg: 'RS256', typ: 'JWT', kid })}.${part(payload)}`
      const token = `${input}.${sign('sha256', Buffer.from(input), privateKey).toString('base64url')}`
      given.push(token)
      return token
    },
  }
}
