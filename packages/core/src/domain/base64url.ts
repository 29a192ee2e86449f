import { bytesOfBase64, encodeBase64 } from './base64.ts'

/**
 * Characters that may end an encoding whose last group has two, or three, characters: the unused bits are
 * zero.
 */
const ENDS = { two: 'AQgw', three: 'AEIMQUYcgkosw048' }

const ALPHABET = /^[\w-]*$/

/**
 * Whether length and last character are those of a canonical encoding: no padding, unused bits are zero (RFC
 * 4648, sections 3.5 and 5).
 */
export function endsCanonically(text: string): boolean {
  const over = text.length % 4
  if (over === 0) return true
  if (over === 1) return false
  return (over === 2 ? ENDS.two : ENDS.three).includes(text.charAt(text.length - 1))
}

/** Decodes text of the base64url alphabet that `endsCanonically`. Throws for other text. */
export const decodeBase64url = (text: string): Uint8Array<ArrayBuffer> =>
  bytesOfBase64(text.replaceAll('-', '+').replaceAll('_', '/'))

/**
 * Decodes canonical base64url. Undefined for padding, other characters, a wrong length or unused bits that
 * are set.
 */
export const decodeCanonicalBase64url = (text: string): Uint8Array | undefined =>
  ALPHABET.test(text) && endsCanonically(text) ? decodeBase64url(text) : undefined

/** Encodes bytes as base64url without padding (RFC 4648, section 5). */
export const encodeBase64url = (bytes: Uint8Array): string =>
  encodeBase64(bytes).replaceAll('+', '-').replaceAll('/', '_').replace(/=+$/, '')
