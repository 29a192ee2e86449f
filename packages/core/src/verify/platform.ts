import type { KeyMaker } from './keys.ts'

/** What verification needs of the machine below it: Web Crypto in browsers and workers, node:crypto in Node. */
export interface Platform {
  /** SHA-256 of the text in UTF-8, as base64url; at once where the machine can. */
  sha256(text: string): string | Promise<string>
  /** The bytes of canonical base64url; what it does with anything else is not said. */
  bytes(base64url: string): Uint8Array
  /** ASCII text as bytes. */
  ascii(text: string): Uint8Array
  readonly maker: KeyMaker
}
