import { constants, createPublicKey, hash, type KeyObject, verify, type VerifyKeyObjectInput } from 'node:crypto'
import { type Importer, keyMaker } from '../verify/key-maker.ts'
import type { VerifyKey } from '../verify/keys.ts'
import type { Platform } from '../verify/platform.ts'
import type { Algorithm } from '../verify/verdict.ts'

type Check = VerifyKey['verify']

/** A single check is fastest on this thread. Many at once are spread over the thread pool. */
const check =
  (key: KeyObject | VerifyKeyObjectInput, hashed: 'sha256' | null = 'sha256'): Check =>
  (input, signature, many) =>
    many
      ? new Promise((resolve) => verify(hashed, input, key, signature, (error, valid) => resolve(!error && valid)))
      : verify(hashed, input, key, signature)

/** Writes a number as an ASN.1 INTEGER: without leading zeros, except one that keeps it positive. */
function writeInteger(der: Uint8Array, at: number, number: Uint8Array): number {
  let from = 0
  while (from < number.length - 1 && number[from] === 0) from += 1
  const digits = number.subarray(from)
  const pad = (digits[0] ?? 0) >> 7
  der[at] = 0x02
  der[at + 1] = digits.length + pad
  der[at + 2] = 0
  der.set(digits, at + 2 + pad)
  return at + 2 + pad + digits.length
}

/**
 * Converts r and s of P-256 to the ASN.1 sequence that OpenSSL takes. The conversion of Node would cost a
 * third of the check.
 */
function ecdsaDer(signature: Uint8Array): Uint8Array {
  const der = Buffer.allocUnsafe(72)
  const end = writeInteger(der, writeInteger(der, 2, signature.subarray(0, 32)), signature.subarray(32))
  der[0] = 0x30
  der[1] = end - 2
  return der.subarray(0, end)
}

const ecdsaCheck = (key: KeyObject): Check => {
  const checkDer = check(key)
  return (input, signature, many) => checkDer(input, ecdsaDer(signature), many)
}

/** The salt is as long as the hash (RFC 7518, section 3.5). */
const pssCheck = (key: KeyObject): Check => check({ key, padding: constants.RSA_PKCS1_PSS_PADDING, saltLength: 32 })

const checkFor: Readonly<Record<Algorithm, (key: KeyObject) => Check>> = {
  RS256: check,
  PS256: pssCheck,
  ES256: ecdsaCheck,
  // Ed25519 hashes by itself.
  EdDSA: (key) => check(key, null),
}

const importer: Importer = {
  check: async ({ jwk }, algorithm) => checkFor[algorithm](createPublicKey({ key: jwk, format: 'jwk' })),
}

/**
 * Makes the cryptography of Node, for `verifier`, `givenKeys` and `mirroredKeys`; `nodePorts()` contains it as
 * `platform`. It hashes synchronously, and checks signatures synchronously or, when several
 * are in flight, on the thread pool.
 *
 * @example
 * ```ts
 * import { nodePlatform } from '@guestpass/core/node'
 *
 * const platform = nodePlatform()
 * console.log(platform.sha256('abc'))
 * ```
 */
export function nodePlatform(): Platform {
  return {
    sha256: (text) => hash('sha256', text, 'base64url'),
    bytes: (base64url) => Buffer.from(base64url, 'base64url'),
    ascii: (text) => Buffer.from(text, 'latin1'),
    maker: keyMaker(importer),
  }
}
