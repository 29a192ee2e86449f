import type { KeyMaker } from './keys.ts'

/**
 * Crypto and encoding functions of a platform: `nodePlatform()` in Node, `webPlatform()` in browsers and
 * workers.
 */
export interface Platform {
  /** The SHA-256 of a text in UTF-8, as base64url; a promise with Web Crypto. */
  sha256(text: string): string | Promise<string>
  /** The bytes of canonical base64url. The result for any other text is not defined. */
  bytes(base64url: string): Uint8Array
  /** The bytes of an ASCII text. */
  ascii(text: string): Uint8Array
  /** Imports keys. */
  readonly maker: KeyMaker
}
