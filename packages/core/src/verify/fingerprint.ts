import { lengthPrefixed } from '../domain/length-prefix.ts'
import { decodeCanonicalBase64url } from '../domain/base64url.ts'
import type { Platform } from './platform.ts'
import { ownMember, strictObject } from '../domain/strict-json.ts'
import type { Claims } from './verdict.ts'

/** Lone surrogates all become one character in UTF-8, so that two ids could have one hash. */
const isId = (value: unknown): value is string => typeof value === 'string' && value !== '' && value.isWellFormed()

/** The fingerprint of a token that was read. */
export function fingerprintOf(
  claims: Claims,
  signingInput: string,
  platform: Pick<Platform, 'sha256'>,
): string | Promise<string> {
  const issuer = ownMember(claims, 'iss')
  const id = ownMember(claims, 'jti')
  // The colons distinguish both forms: a signing input has none.
  return platform.sha256(isId(issuer) && isId(id) ? lengthPrefixed([issuer, id]) : signingInput)
}

/**
 * Computes the fingerprint of a token, which identifies the token in a deny-list. It is a SHA-256 as
 * base64url: of issuer and id (`iss`, `jti`) where the token has both, else of the text that was signed. It
 * is never of the signature, because one text can have several. An opaque token is hashed whole.
 *
 * @param token the text of a token
 * @param platform computes the SHA-256
 * @returns a text with `nodePlatform()`, a promise with `webPlatform()`
 */
export function fingerprint(token: string, platform: Pick<Platform, 'sha256'>): string | Promise<string> {
  const [header, payload, signature, ...more] = token.split('.')
  const bytes = signature === undefined || more.length > 0 ? undefined : decodeCanonicalBase64url(payload ?? '')
  const claims = bytes && strictObject(bytes)
  return claims ? fingerprintOf(claims, `${header}.${payload}`, platform) : platform.sha256(token)
}
