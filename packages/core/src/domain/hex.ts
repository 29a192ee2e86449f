/** Encodes bytes as hexadecimal digits in lower case (RFC 4648, section 8). */
export const encodeHex = (bytes: Uint8Array): string =>
  Array.from(bytes, (byte) => byte.toString(16).padStart(2, '0')).join('')
