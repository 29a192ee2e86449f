import { decodeBase64url, encodeBase64url } from '../domain/base64url.ts'
import { GuestpassError } from '../domain/errors.ts'
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

type Bytes = Uint8Array<ArrayBuffer>

/**
 * The type is named by the global, because programs without the types of the DOM read this declaration too.
 */
const importer = (subtle: typeof globalThis.crypto.subtle): Importer => ({
  async check({ jwk }, algorithm) {
    const key = await subtle.importKey('jwk', jwk as JsonWebKey, IMPORT[algorithm], false, ['verify'])
    return (input, signature) => subtle.verify(VERIFY[algorithm], key, signature as Bytes, input as Bytes)
  },
})

const insecureOrigin = (): GuestpassError =>
  new GuestpassError(
    'config_invalid',
    'The page has no Web Crypto, because its origin is not secure. Serve the page over https, or from http://localhost.',
  )

/**
 * Makes the cryptography of browsers, workers and any runtime with Web Crypto, for `verifier` and `givenKeys`;
 * `webPorts()` contains it as `platform`. Browsers have Web Crypto on secure origins only.
 *
 * @param subtle default: `crypto.subtle` of the runtime
 *
 * Throws `config_invalid` if the runtime has none, as a page on an insecure origin.
 *
 * Source: https://www.w3.org/TR/webcrypto-2/
 *
 * @example
 * ```ts
 * import { webPlatform } from '@guestpass/core/web'
 *
 * const platform = webPlatform()
 * console.log(await platform.sha256('abc'))
 * ```
 */
export function webPlatform(subtle: typeof globalThis.crypto.subtle = crypto.subtle): Platform {
  // The type says that it is there; an insecure origin has none.
  if ((subtle as typeof subtle | undefined) === undefined) throw insecureOrigin()
  const utf8 = new TextEncoder()
  return {
    sha256: async (text) => encodeBase64url(new Uint8Array(await subtle.digest('SHA-256', utf8.encode(text)))),
    bytes: decodeBase64url,
    ascii: (text) => utf8.encode(text),
    maker: keyMaker(importer(subtle)),
  }
}
