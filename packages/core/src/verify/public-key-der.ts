import { afterFirstDer, derContents, readDer, soleDerContents, DER_TAG } from '../domain/der.ts'
import { encodeHex } from '../domain/hex.ts'
import { encodeBase64url } from '../domain/base64url.ts'
import type { Jwk } from './keys.ts'

/** An object identifier in the form of `ID`; empty where there is none. */
const idIn = (bytes: Uint8Array | undefined): string => (bytes ? encodeHex(bytes) : '')

/** Object identifiers, as the contents of their DER. */
const ID = {
  rsa: '2a864886f70d010101',
  rsaPss: '2a864886f70d01010a',
  ec: '2a8648ce3d0201',
  p256: '2a8648ce3d030107',
  ed25519: '2b6570',
  sha256: '608648016503040201',
} as const

/** The contents of a BIT STRING of whole bytes. */
const bitsOf = (bytes: Uint8Array | undefined): Uint8Array | undefined => {
  const contents = soleDerContents(bytes, DER_TAG.bits)
  return contents?.[0] === 0 ? contents.subarray(1) : undefined
}

const numberOf = (digits: Uint8Array): string => encodeBase64url(digits[0] === 0 ? digits.subarray(1) : digits)

/** An RSAPublicKey (RFC 8017, appendix A.1.1) as a JWK: the PEM block RSA PUBLIC KEY. */
export function jwkOfPkcs1(bytes: Uint8Array | undefined): Jwk | undefined {
  const fields = soleDerContents(bytes, DER_TAG.sequence)
  const n = derContents(fields, DER_TAG.integer)
  const e = soleDerContents(afterFirstDer(fields), DER_TAG.integer)
  return n && e && { kty: 'RSA', n: numberOf(n), e: numberOf(e) }
}

/**
 * Whether the parameters of a PSS key, if it has any, name SHA-256 (RFC 4055, 3.1); without a hash they name
 * SHA-1.
 */
function isPss256(parameters: Uint8Array): boolean {
  if (parameters.length === 0) return true
  const hash = soleDerContents(derContents(derContents(parameters, DER_TAG.sequence), DER_TAG.first), DER_TAG.sequence)
  return idIn(derContents(hash, DER_TAG.id)) === ID.sha256
}

function jwkOfPoint(curve: Uint8Array, point: Uint8Array | undefined): Jwk | string {
  if (idIn(soleDerContents(curve, DER_TAG.id)) !== ID.p256) return 'its curve is not P-256'
  if (point?.length !== 65 || point[0] !== 4) return 'its point is not written in full'
  return { kty: 'EC', crv: 'P-256', x: encodeBase64url(point.subarray(1, 33)), y: encodeBase64url(point.subarray(33)) }
}

const DAMAGED = 'its contents are damaged'

/**
 * A SubjectPublicKeyInfo (RFC 5280, section 4.1) as a JWK, or as a clause why it is none: the PEM block
 * PUBLIC KEY.
 */
export function jwkOfSpki(bytes: Uint8Array | undefined): Jwk | string {
  const fields = soleDerContents(bytes, DER_TAG.sequence)
  const algorithm = derContents(fields, DER_TAG.sequence)
  const id = algorithm && readDer(algorithm)
  const key = bitsOf(afterFirstDer(fields))
  if (id?.tag !== DER_TAG.id || !key) return DAMAGED
  const kind = encodeHex(id.contents)
  if (kind === ID.rsa) return jwkOfPkcs1(key) ?? DAMAGED
  if (kind === ID.ec) return jwkOfPoint(id.rest, key)
  if (kind === ID.ed25519) return { kty: 'OKP', crv: 'Ed25519', x: encodeBase64url(key) }
  if (kind !== ID.rsaPss) return 'it is none of an RSA, P-256 and Ed25519 key'
  const jwk = jwkOfPkcs1(key)
  if (!jwk) return DAMAGED
  return isPss256(id.rest) ? { ...jwk, alg: 'PS256' } : 'it is for RSA-PSS with another hash than SHA-256'
}

/**
 * The SubjectPublicKeyInfo of a certificate (RFC 5280, section 4.1). Its dates, issuer and signature are not
 * checked.
 */
export function spkiOfCertificate(bytes: Uint8Array): Uint8Array | undefined {
  let at = derContents(derContents(bytes, DER_TAG.sequence), DER_TAG.sequence)
  if (at && readDer(at)?.tag === DER_TAG.first) at = afterFirstDer(at)
  // Before it: serial number, signature algorithm, issuer, validity, subject.
  for (let skipped = 0; skipped < 5; skipped += 1) at = afterFirstDer(at)
  const spki = at && readDer(at)
  return spki && at?.subarray(0, at.length - spki.rest.length)
}
