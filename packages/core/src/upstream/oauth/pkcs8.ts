import { decodeBase64 } from '../../domain/base64.ts'
import { afterFirstDer, derContents, soleDerContents, DER_TAG } from '../../domain/der.ts'
import { encodeHex } from '../../domain/hex.ts'

/** A private key in PKCS #8 (RFC 5208) as Web Crypto reads it. */
interface Pkcs8 {
  readonly der: Uint8Array<ArrayBuffer>
  /** True of an RSA key that is marked for RSASSA-PSS alone (RFC 4055, 1.2). */
  readonly isPss: boolean
}

/** The object identifier of RSASSA-PSS, as the contents of its DER. */
const PSS = '2a864886f70d01010a'
/** The AlgorithmIdentifier of plain RSA keys. */
const RSA = Uint8Array.of(0x30, 13, 0x06, 9, 0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 1, 1, 1, 0x05, 0)

/**
 * The key of a PEM text; undefined for anything else. Web Crypto reads no keys that are marked for PSS: they
 * become plain RSA keys.
 */
export function pkcs8Of(pem: string): Pkcs8 | undefined {
  const body = /^-----BEGIN PRIVATE KEY-----([A-Za-z\d+/=\s]+)-----END PRIVATE KEY-----$/.exec(pem.trim())?.[1]
  const der = body === undefined ? undefined : decodeBase64(body)
  if (!der) return undefined
  const fields = soleDerContents(der, DER_TAG.sequence)
  const algorithm = afterFirstDer(fields)
  const id = derContents(derContents(algorithm, DER_TAG.sequence), DER_TAG.id)
  if (!fields || !algorithm || !id || encodeHex(id) !== PSS) return { der, isPss: false }
  const version = fields.subarray(0, fields.length - algorithm.length)
  return { der: sequence([version, RSA, afterFirstDer(algorithm) ?? new Uint8Array()]), isPss: true }
}

/** A SEQUENCE of 256 bytes to 64 KiB, as that of any RSA key. */
function sequence(parts: readonly Uint8Array[]): Uint8Array<ArrayBuffer> {
  const size = parts.reduce((sum, part) => sum + part.length, 0)
  return Uint8Array.from([DER_TAG.sequence, 0x82, size >> 8, size & 0xff, ...parts.flatMap((part) => [...part])])
}
