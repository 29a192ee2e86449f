import { encodeHex } from '../domain/hex.ts'
import { decodeCanonicalBase64url, encodeBase64url } from '../domain/base64url.ts'
import type { Jwk } from './keys.ts'
import { isRoca } from './roca.ts'
import type { Algorithm } from './verdict.ts'

/** Members that only private and symmetric keys have (RFC 7518, section 6). */
const SECRET_MEMBERS = ['d', 'p', 'q', 'dp', 'dq', 'qi', 'oth', 'k']

const MIN_MODULUS_BITS = 2_048
/** OpenSSL does not check longer keys. */
const MAX_MODULUS_BITS = 16_384
/** The length of a coordinate of P-256, and of a point of Ed25519, in bytes. */
const COORDINATE_BYTES = 32

/**
 * Points of Ed25519 of small order, without their sign: anybody can sign under them (RFC 8032, section 5.1.7;
 * the list is libsodium's).
 */
const SMALL_ORDER: ReadonlySet<string> = new Set([
  '0000000000000000000000000000000000000000000000000000000000000000',
  '0100000000000000000000000000000000000000000000000000000000000000',
  '26e8958fc2b227b045c3f489f2ef98f0d5dfac05d3c63339b13802886d53fc05',
  'c7176a703d4dd84fba3c0b760d10670f2a2053fa2c39ccc64ec7fd7792ac037a',
  'ecffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f',
  'edffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f',
  'eeffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f',
])

/** A public key that may be used: its algorithms, and the members that it is made of. */
export interface UsableJwk {
  readonly algorithms: readonly Algorithm[]
  readonly kid?: string
  /** `kty` and the numbers of the key, without the members about its use. */
  readonly jwk: { readonly kty: string; readonly [member: string]: string }
}

/** A key, or as a clause why it must not be used. */
type JudgedJwk = UsableJwk | string

/**
 * The bytes of a number. Padding is accepted, because some issuers write it (RFC 7515, section 2, has none).
 */
const bytesOf = (member: unknown): Uint8Array | undefined =>
  typeof member === 'string' ? decodeCanonicalBase64url(member.replace(/={1,2}$/, '')) : undefined

const numberOf = (bytes: Uint8Array | undefined): bigint | undefined =>
  bytes && bytes.length > 0 ? BigInt(`0x${encodeHex(bytes)}`) : undefined

/**
 * An even exponent is no key. An exponent of 1 makes every message its own signature. A huge one costs time.
 */
function exponentFault(e: bigint): string | undefined {
  if (e === 1n) return 'its exponent is 1, so that everybody can sign'
  if (e % 2n === 0n) return 'its exponent is even, which no RSA key has'
  return e < 2n ** 64n ? undefined : 'its exponent has more than 64 bits'
}

function modulusFault(n: bigint): string | undefined {
  const bits = n.toString(2).length
  if (bits < MIN_MODULUS_BITS) return `RSA keys need at least ${MIN_MODULUS_BITS} bits, it has ${bits}`
  if (bits > MAX_MODULUS_BITS) return `RSA keys have at most ${MAX_MODULUS_BITS} bits, it has ${bits}`
  if (n % 2n === 0n) return 'its modulus is even, which no RSA key has'
  return isRoca(n)
    ? 'its private key can be computed (ROCA, CVE-2017-15361); the issuer must make a new one'
    : undefined
}

/** A number has no leading zeros (RFC 7518, section 2), but some issuers write them. */
const withoutZeros = (bytes: Uint8Array | undefined): Uint8Array | undefined =>
  bytes?.subarray(bytes.findIndex((byte) => byte !== 0))

function judgeRsa(jwk: Jwk): JudgedJwk {
  const [modulus, exponent] = [withoutZeros(bytesOf(jwk['n'])), withoutZeros(bytesOf(jwk['e']))]
  const [n, e] = [numberOf(modulus), numberOf(exponent)]
  if (!modulus || !exponent || n === undefined || e === undefined) return 'its modulus or exponent is not valid'
  const fault = modulusFault(n) ?? exponentFault(e)
  if (fault !== undefined) return fault
  const numbers = { kty: 'RSA', n: encodeBase64url(modulus), e: encodeBase64url(exponent) }
  return { algorithms: ['RS256', 'PS256'], jwk: numbers }
}

/** A coordinate in full length: some issuers leave out its leading zeros. */
function coordinateOf(member: unknown): string | undefined {
  const bytes = bytesOf(member)
  if (!bytes || bytes.length === 0 || bytes.length > COORDINATE_BYTES) return undefined
  const full = new Uint8Array(COORDINATE_BYTES)
  full.set(bytes, COORDINATE_BYTES - bytes.length)
  return encodeBase64url(full)
}

function judgeEc(jwk: Jwk): JudgedJwk {
  if (jwk['crv'] !== 'P-256') return 'its curve is not P-256'
  const [x, y] = [coordinateOf(jwk['x']), coordinateOf(jwk['y'])]
  if (x === undefined || y === undefined) return 'its coordinates are not valid'
  return { algorithms: ['ES256'], jwk: { kty: 'EC', crv: 'P-256', x, y } }
}

function judgeOkp(jwk: Jwk): JudgedJwk {
  if (jwk['crv'] !== 'Ed25519') return 'its curve is not Ed25519'
  const bytes = bytesOf(jwk['x'])
  if (bytes?.length !== COORDINATE_BYTES) return 'its point is not valid'
  const unsigned = Uint8Array.from(bytes, (byte, at) => (at === COORDINATE_BYTES - 1 ? byte & 0x7f : byte))
  if (SMALL_ORDER.has(encodeHex(unsigned))) return 'its point is of small order, so that everybody can sign'
  return { algorithms: ['EdDSA'], jwk: { kty: 'OKP', crv: 'Ed25519', x: encodeBase64url(bytes) } }
}

function judgeNumbers(jwk: Jwk): JudgedJwk {
  if (jwk.kty === 'RSA') return judgeRsa(jwk)
  if (jwk.kty === 'EC') return judgeEc(jwk)
  if (jwk.kty === 'OKP') return judgeOkp(jwk)
  return 'it is none of an RSA, P-256 and Ed25519 key'
}

/**
 * Whether a key may check signatures: by its type and strength, and by its members about its use (RFC 7517,
 * 7518, 8037 and 8725).
 */
export function judgeJwk(jwk: Jwk): JudgedJwk {
  if (typeof jwk !== 'object' || jwk === null || Array.isArray(jwk)) return 'it is not a JSON object'
  const has = (name: string): boolean => Object.hasOwn(jwk, name)
  if (SECRET_MEMBERS.some(has)) return 'it holds private or symmetric key material'
  if (has('use') && jwk.use !== 'sig') return 'its use is not sig'
  if (has('key_ops') && !(Array.isArray(jwk.key_ops) && jwk.key_ops.includes('verify')))
    return 'its key_ops lack verify'
  if (has('kid') && typeof jwk.kid !== 'string') return 'its kid is not a string'
  const judged = judgeNumbers(jwk)
  if (typeof judged === 'string') return judged
  const algorithms = has('alg') ? judged.algorithms.filter((one) => one === algorithmOf(jwk.alg)) : judged.algorithms
  if (algorithms.length === 0) return `its alg is not ${judged.algorithms.join(' or ')}`
  return { ...judged, algorithms, ...(jwk.kid === undefined ? {} : { kid: jwk.kid }) }
}

/** RFC 9864 calls EdDSA with this curve Ed25519. */
const algorithmOf = (alg: unknown): unknown => (alg === 'Ed25519' ? 'EdDSA' : alg)
