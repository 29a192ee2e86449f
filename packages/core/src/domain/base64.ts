/** The bytes of text in the base64 alphabet, with or without padding. Throws for other text. */
export function bytesOfBase64(text: string): Uint8Array<ArrayBuffer> {
  const characters = atob(text)
  const bytes = new Uint8Array(characters.length)
  // Not `Uint8Array.from`, which takes many times as long.
  for (let at = 0; at < bytes.length; at += 1) bytes[at] = characters.charCodeAt(at)
  return bytes
}

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
