import { constants, createHmac, generateKeyPairSync, type KeyObject, sign } from 'node:crypto'
import { nodePlatform } from '../../src/node/crypto.ts'
import type { Clock } from '../../src/ports/clock.ts'
import { fakeClock } from '../../src/testing/index.ts'
import { givenKeys } from '../../src/verify/given-keys.ts'
import type { Jwk, KeySource } from '../../src/verify/keys.ts'
import type { Platform } from '../../src/verify/platform.ts'
import type { Algorithm, Expectations, Verdict } from '../../src/verify/verdict.ts'
import { type VerifierOptions, verifier } from '../../src/verify/verifier.ts'
import { webPlatform } from '../../src/verify/web-crypto.ts'

/** Both platforms answer the same to everything. */
export const platforms: readonly (readonly [string, Platform])[] = [
  ['node', nodePlatform()],
  ['web', webPlatform()],
]

export interface Pair {
  readonly alg: Algorithm
  readonly publicKey: KeyObject
  readonly privateKey: KeyObject
  /** The public key, without kid, alg and use. */
  readonly jwk: Jwk
}

const pair = (alg: Pair['alg'], keys: { publicKey: KeyObject; privateKey: KeyObject }): Pair => ({
  alg,
  ...keys,
  jwk: keys.publicKey.export({ format: 'jwk' }) as Jwk,
})

export const rsaPair = (bits = 2048): Pair => pair('RS256', generateKeyPairSync('rsa', { modulusLength: bits }))
export const ecPair = (curve = 'P-256'): Pair => pair('ES256', generateKeyPairSync('ec', { namedCurve: curve }))

export const pssPair = (bits = 2048): Pair => ({ ...rsaPair(bits), alg: 'PS256' })
export const edPair = (): Pair => pair('EdDSA', generateKeyPairSync('ed25519'))

/** A pair for each algorithm, made by its name. */
export const pairs: Readonly<Record<Algorithm, () => Pair>> = {
  RS256: rsaPair,
  PS256: pssPair,
  ES256: ecPair,
  EdDSA: edPair,
}

export const b64 = (value: string | object | Uint8Array): string => {
  if (value instanceof Uint8Array) return Buffer.from(value).toString('base64url')
  return Buffer.from(typeof value === 'string' ? value : JSON.stringify(value)).toString('base64url')
}

export const signature = (input: string, { alg, privateKey: key }: Pair): Buffer => {
  if (alg === 'EdDSA') return sign(null, Buffer.from(input), key)
  const pss = { padding: constants.RSA_PKCS1_PSS_PADDING, saltLength: 32 }
  return sign('sha256', Buffer.from(input), { key, dsaEncoding: 'ieee-p1363', ...(alg === 'PS256' ? pss : {}) })
}

/** A token; header and payload may be text to write them in ways that no serializer would. */
export const token = (payload: string | object | Uint8Array, key: Pair, header: string | object = {}): string => {
  const full = typeof header === 'string' ? header : { alg: key.alg, kid: 'one', ...header }
  const input = `${b64(full)}.${b64(payload)}`
  return `${input}.${b64(signature(input, key))}`
}

export const hmacToken = (payload: object, secret: string | Buffer, header: object): string => {
  const input = `${b64(header)}.${b64(payload)}`
  return `${input}.${createHmac('sha256', secret).update(input).digest('base64url')}`
}

/** The start of the fake clock, in whole seconds. */
export const START = Date.UTC(2026, 0, 1) / 1000

export const claims = (more: object = {}): Record<string, unknown> => ({
  iss: 'https://login.example.com',
  sub: '7d0f7f7e-3d6c-4a55-9a7e-0c5a3f1a2b10',
  scope: ['webmessaging:guest:send', 'webmessaging:guest:receive'],
  iat: START,
  exp: START + 3600,
  ...more,
})

export const jwks = (...keys: readonly Jwk[]): { keys: readonly Jwk[] } => ({ keys })

export const named = (key: Pair, kid = 'one', more: object = {}): Jwk => ({ ...key.jwk, kid, ...more })

/** A verifier over given keys, on a fake clock. */
export function checker(
  platform: Platform,
  keys: readonly Jwk[] | KeySource,
  options: Partial<VerifierOptions> & { readonly clock?: Clock } = {},
): (token: string, expectations?: Expectations) => Promise<Verdict> {
  const { clock = fakeClock(), ...more } = options
  const source = 'refetch' in keys ? keys : givenKeys({ jwks: { keys } }, platform.maker)
  const { verify } = verifier({ keys: source, platform, now: () => clock.wall(), ...more })
  return verify
}

/** The reason, or `valid`. */
export const outcome = (verdict: Verdict): string => (verdict.valid ? 'valid' : verdict.reason)
