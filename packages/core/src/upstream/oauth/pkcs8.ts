/** A private key in PKCS #8 (RFC 5208) as Web Crypto reads it. */
export interface Pkcs8 {
  readonly der: Uint8Array<ArrayBuffer>
  /** True of an RSA key that is marked for RSASSA-PSS alone (RFC 4055, 1.2). */
  readonly isPss: boolean
}

const PSS = '06092a864886f70d01010a'
/** The AlgorithmIdentifier of plain RSA keys. */
const RSA = Uint8Array.of(0x30, 13, 0x06, 9, 0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 1, 1, 1, 0x05, 0)

const hex = (bytes: Uint8Array): string => Array.from(bytes, (byte) => byte.toString(16).padStart(2, '0')).join('')

/** Where the content of a DER element begins and ends. */
function element(der: Uint8Array, at: number): { readonly begin: number; readonly end: number } {
  const first = der[at + 1] ?? 0
  const more = first < 0x80 ? 0 : first & 0x7f
  const size = more === 0 ? first : Number.parseInt(hex(der.subarray(at + 2, at + 2 + more)) || '0', 16)
  const begin = at + 2 + more
  return { begin, end: begin + size }
}

/** The key of a PEM text; undefined for anything else. Web Crypto reads no keys that are marked for PSS: they become plain RSA keys. */
export function pkcs8Of(pem: string): Pkcs8 | undefined {
  const body = /^-----BEGIN PRIVATE KEY-----([A-Za-z\d+/=\s]+)-----END PRIVATE KEY-----$/.exec(pem.trim())?.[1]
  if (body === undefined) return undefined
  const der = bytesOf(body)
  if (!der) return undefined
  const version = element(der, element(der, 0).begin)
  const algorithm = element(der, version.end)
  if (hex(der.subarray(algorithm.begin, algorithm.begin + 11)) !== PSS) return { der, isPss: false }
  const parts = [der.subarray(version.begin - 2, version.end), RSA, der.subarray(algorithm.end)]
  const size = parts.reduce((sum, part) => sum + part.length, 0)
  const plain = [0x30, 0x82, size >> 8, size & 0xff, ...parts.flatMap((part) => [...part])]
  return { der: Uint8Array.from(plain), isPss: true }
}

function bytesOf(base64: string): Uint8Array<ArrayBuffer> | undefined {
  try {
    return Uint8Array.from(atob(base64.replaceAll(/\s/g, '')), (character) => character.charCodeAt(0))
  } catch {
    return undefined
  }
}
