/** CRC-32 of a text in UTF-8 (RFC 1952, section 8), as 8 hexadecimal digits. Finds damage, not forgery. */
export function crc32(text: string): string {
  let crc = -1
  for (const byte of new TextEncoder().encode(text)) {
    crc ^= byte
    for (let bit = 0; bit < 8; bit += 1) crc = (crc >>> 1) ^ (-(crc & 1) & 0xedb88320)
  }
  return (~crc >>> 0).toString(16).padStart(8, '0')
}
