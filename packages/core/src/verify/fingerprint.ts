import { lengthPrefixed } from '../domain/length-prefix.ts'
import { decodeCanonicalBase64url } from '../domain/base64url.ts'
import type { Platform } from './platform.ts'
import { ownMember, strictObject } from '../domain/strict-json.ts'
import type { Claims } from './verdict.ts'

/** Lone surrogates all become one character in UTF-8, so that two ids could meet. */
const isId = (value: unknown): value is string => typeof value === 'string' && value !== '' && value.isWellFormed()

/** The fingerprint of a token whose parts are at hand. */
export function fingerprintOf(
  claims: Claims,
  signingInput: string,
  platform: Pick<Platform, 'sha256'>,
): string | Promise<string> {
  const issuer = ownMember(claims, 'iss')
  const id = ownMember(claims, 'jti')
  // The colons keep both forms apart: a signing input has none.
  return platform.sha256(isId(issuer) && isId(id) ? lengthPrefixed([issuer, id]) : signingInput)
}

/**
 * Identifies an issued token without holding it: the SHA-256, as base64url, of its issuer and id (`iss`, `jti`) when it has
 * both, else of what was signed; never of the signature, which can be spelled in several ways. An opaque token is hashed whole.
 */
export function fingerprint(token: string, platform: Pick<Platform, 'sha256'>): string | Promise<string> {
  const [header, payload, signature, ...more] = token.split('.')
  const bytes = signature === undefined || more.length > 0 ? undefined : decodeCanonicalBase64url(payload ?? '')
  const claims = bytes && strictObject(bytes)
  return claims ? fingerprintOf(claims, `${header}.${payload}`, platform) : platform.sha256(token)
}
