/** The bytes of text in the base64 alphabet, with or without padding. Throws for other text. */
export const bytesOfBase64 = (text: string): Uint8Array<ArrayBuffer> =>
  Uint8Array.from(atob(text), (character) => character.charCodeAt(0))

/** Encodes bytes as base64 with padding (RFC 4648, section 4). */
export const encodeBase64 = (bytes: Uint8Array): string => btoa(String.fromCharCode(...bytes))

/**
 * Decodes base64 (RFC 4648, section 4), without regard to blanks and line breaks. Undefined for anything
 * else.
 */
export function decodeBase64(text: string): Uint8Array<ArrayBuffer> | undefined {
  try {
    return bytesOfBase64(text.replaceAll(/\s/g, ''))
  } catch {
    return undefined
  }
}

/** Decodes padded base64. Undefined for text that is not the one canonical encoding of its bytes. */
export function decodeCanonicalBase64(text: string): Uint8Array<ArrayBuffer> | undefined {
  if (text.length % 4 !== 0) return undefined
  const bytes = decodeBase64(text)
  return bytes && encodeBase64(bytes) === text ? bytes : undefined
}
