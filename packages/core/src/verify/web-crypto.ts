import { decodeBase64url, encodeBase64url } from '../domain/base64url.ts'
import { type Importer, keyMaker } from './key-maker.ts'
import type { Platform } from './platform.ts'
import type { Algorithm } from './verdict.ts'

const IMPORT: Readonly<Record<Algorithm, RsaHashedImportParams | EcKeyImportParams | { readonly name: string }>> = {
  RS256: { name: 'RSASSA-PKCS1-v1_5', hash: 'SHA-256' },
  PS256: { name: 'RSA-PSS', hash: 'SHA-256' },
  ES256: { name: 'ECDSA', namedCurve: 'P-256' },
  EdDSA: { name: 'Ed25519' },
}

const VERIFY: Readonly<Record<Algorithm, EcdsaParams | RsaPssParams | { readonly name: string }>> = {
  RS256: { name: 'RSASSA-PKCS1-v1_5' },
  // The salt is as long as the hash (RFC 7518, section 3.5).
  PS256: { name: 'RSA-PSS', saltLength: 32 },
  ES256: { name: 'ECDSA', hash: 'SHA-256' },
  EdDSA: { name: 'Ed25519' },
}

/** By the global, because only the types of the DOM name it, and programs without them read this declaration too. */
type Subtle = typeof globalThis.crypto.subtle

type Bytes = Uint8Array<ArrayBuffer>

const importer = (subtle: Subtle): Importer => ({
  async check({ jwk }, algorithm) {
    const key = await subtle.importKey('jwk', jwk as JsonWebKey, IMPORT[algorithm], false, ['verify'])
    return (input, signature) => subtle.verify(VERIFY[algorithm], key, signature as Bytes, input as Bytes)
  },
})

/** The platform of browsers, workers and any runtime with Web Crypto. Browsers offer it on secure origins only. */
export function webPlatform(subtle: Subtle = crypto.subtle): Platform {
  const utf8 = new TextEncoder()
  return {
    sha256: async (text) => encodeBase64url(new Uint8Array(await subtle.digest('SHA-256', utf8.encode(text)))),
    bytes: decodeBase64url,
    ascii: (text) => utf8.encode(text),
    maker: keyMaker(importer(subtle)),
  }
}
