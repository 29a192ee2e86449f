import { base64urlBytes } from './base64url.ts'
import type { Jwk } from './keys.ts'
import type { Algorithm } from './verdict.ts'

/** Members that only private and symmetric keys have (RFC 7518, section 6). */
const SECRET_MEMBERS = ['d', 'p', 'q', 'dp', 'dq', 'qi', 'oth', 'k']

const MIN_MODULUS_BITS = 2_048
/** OpenSSL checks no longer ones. */
const MAX_MODULUS_BITS = 16_384
const P256_COORDINATE_BYTES = 32

/** A public key that may be used: for which algorithm, and the members that make it up. */
export interface UsableJwk {
  readonly algorithm: Algorithm
  readonly kid?: string
  /** `kty` and the numbers, nothing else: what the key says of itself has been judged. */
  readonly jwk: { readonly kty: string; readonly [member: string]: string }
}

/** A key, or in a few words why it must not be used. */
export type JudgedJwk = UsableJwk | string

const numberOf = (member: unknown): bigint | undefined => {
  const bytes = typeof member === 'string' ? base64urlBytes(member) : undefined
  return bytes && bytes.length > 0
    ? BigInt(`0x${[...bytes].map((byte) => byte.toString(16).padStart(2, '0')).join('')}`)
    : undefined
}

/** An even exponent is no key, 1 makes every message its own signature, and huge ones only cost time. */
const isExponent = (e: bigint | undefined): boolean => e !== undefined && e > 1n && e % 2n === 1n && e < 2n ** 64n

function judgeRsa({ n, e, kty }: Jwk): JudgedJwk {
  const bits = numberOf(n)?.toString(2).length
  if (bits === undefined || !isExponent(numberOf(e))) return 'its modulus or exponent is not valid'
  if (bits < MIN_MODULUS_BITS) return `RSA keys need at least ${MIN_MODULUS_BITS} bits, it has ${bits}`
  if (bits > MAX_MODULUS_BITS) return `RSA keys have at most ${MAX_MODULUS_BITS} bits, it has ${bits}`
  return { algorithm: 'RS256', jwk: { kty, n: n as string, e: e as string } }
}

const isCoordinate = (member: unknown): boolean =>
  typeof member === 'string' && base64urlBytes(member)?.length === P256_COORDINATE_BYTES

function judgeEc({ crv, x, y, kty }: Jwk): JudgedJwk {
  if (crv !== 'P-256') return 'its curve is not P-256'
  if (!isCoordinate(x) || !isCoordinate(y)) return 'its coordinates are not valid'
  return { algorithm: 'ES256', jwk: { kty, crv, x: x as string, y: y as string } }
}

function judgeNumbers(jwk: Jwk): JudgedJwk {
  if (jwk.kty === 'RSA') return judgeRsa(jwk)
  if (jwk.kty === 'EC') return judgeEc(jwk)
  return 'it is neither an RSA nor an EC key'
}

/** Whether a key may check signatures (RFC 7517, 7518 and 8725): its kind and strength, and what it says of its own use. */
export function judgeJwk(jwk: Jwk): JudgedJwk {
  if (typeof jwk !== 'object' || jwk === null) return 'it is not a JSON object'
  const has = (name: string): boolean => Object.hasOwn(jwk, name)
  if (SECRET_MEMBERS.some(has)) return 'it holds private or symmetric key material'
  if (has('use') && jwk.use !== 'sig') return 'its use is not sig'
  if (has('key_ops') && !(Array.isArray(jwk.key_ops) && jwk.key_ops.includes('verify')))
    return 'its key_ops lack verify'
  if (has('kid') && typeof jwk.kid !== 'string') return 'its kid is not a string'
  const judged = judgeNumbers(jwk)
  if (typeof judged === 'string') return judged
  if (has('alg') && jwk.alg !== judged.algorithm) return `its alg is not ${judged.algorithm}`
  return jwk.kid === undefined ? judged : { ...judged, kid: jwk.kid }
}
