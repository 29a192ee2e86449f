/** Characters that may end an encoding whose last group has two, or three, characters: the unused bits are zero. */
const ENDS = { two: 'AQgw', three: 'AEIMQUYcgkosw048' }

const ALPHABET = /^[\w-]*$/

/** Whether the length and the last character are those of the one canonical encoding (RFC 4648, sections 3.5 and 5, no padding). */
export function endsCanonically(text: string): boolean {
  const over = text.length % 4
  if (over === 0) return true
  if (over === 1) return false
  return (over === 2 ? ENDS.two : ENDS.three).includes(text.charAt(text.length - 1))
}

/** The bytes of text that `endsCanonically` and is of the alphabet. */
export const decodeBase64url = (text: string): Uint8Array =>
  Uint8Array.from(atob(text.replaceAll('-', '+').replaceAll('_', '/')), (character) => character.charCodeAt(0))

/** Strict: undefined for padding, foreign characters, an impossible length or unused bits that are set. */
export const decodeCanonicalBase64url = (text: string): Uint8Array | undefined =>
  ALPHABET.test(text) && endsCanonically(text) ? decodeBase64url(text) : undefined

export const encodeBase64url = (bytes: Uint8Array): string =>
  btoa(String.fromCharCode(...bytes))
    .replaceAll('+', '-')
    .replaceAll('/', '_')
    .replace(/=+$/, '')
