import { type CipherKey, createCipheriv, createDecipheriv } from 'node:crypto'

/**
 * What a sealed value is bound to. It does not open with any other context. The additional data of AES-GCM.
 */
export interface SealContext {
  readonly connection: string
  readonly table: string
  readonly column: string
  readonly row: string
  readonly generation: number
}

/** A key and its id. Every value sealed with the key starts with the id. */
export interface NamedKey {
  readonly id: string
  readonly key: CipherKey
}

/** AES-256-GCM with a nonce of 12 bytes and a tag of 16 bytes (NIST SP 800-38D). */
const ALGORITHM = 'aes-256-gcm'
export const NONCE_BYTES = 12
const TAG_BYTES = 16
const VERSION = 1

/** Each part after its length, so that two lists of parts never give the same bytes. */
function lengthPrefixed(parts: readonly string[]): Buffer {
  return Buffer.concat(
    parts.flatMap((part) => {
      const bytes = Buffer.from(part, 'utf8')
      const length = Buffer.alloc(4)
      length.writeUInt32BE(bytes.length)
      return [length, bytes]
    }),
  )
}

const contextBytes = (context: SealContext, keyId: string): Buffer =>
  lengthPrefixed([
    `guestpass sealed value ${VERSION}`,
    context.connection,
    context.table,
    context.column,
    context.row,
    String(context.generation),
    keyId,
  ])

/** Encrypts bytes. The result is nonce, tag and ciphertext. */
export function encrypt(key: CipherKey, nonce: Uint8Array, additional: Uint8Array, plain: Uint8Array): Buffer {
  const cipher = createCipheriv(ALGORITHM, key, nonce, { authTagLength: TAG_BYTES })
  cipher.setAAD(additional)
  const body = Buffer.concat([cipher.update(plain), cipher.final()])
  return Buffer.concat([nonce, cipher.getAuthTag(), body])
}

/** Decrypts bytes. Undefined if the key, the additional data or any byte differs. */
export function decrypt(key: CipherKey, additional: Uint8Array, bytes: Uint8Array): Buffer | undefined {
  if (bytes.length < NONCE_BYTES + TAG_BYTES) return undefined
  const decipher = createDecipheriv(ALGORITHM, key, bytes.subarray(0, NONCE_BYTES), { authTagLength: TAG_BYTES })
  decipher.setAAD(additional)
  decipher.setAuthTag(bytes.subarray(NONCE_BYTES, NONCE_BYTES + TAG_BYTES))
  try {
    return Buffer.concat([decipher.update(bytes.subarray(NONCE_BYTES + TAG_BYTES)), decipher.final()])
  } catch {
    return undefined
  }
}

/** The additional data of a wrapped key: its purpose, and the key that wraps it. */
export const keyContextBytes = (purpose: string, wrappedBy: string): Buffer =>
  lengthPrefixed([`guestpass wrapped key ${VERSION}`, purpose, wrappedBy])

/** The first bytes of every value sealed with a key. */
export function sealHeader(keyId: string): Buffer {
  const id = Buffer.from(keyId, 'utf8')
  return Buffer.concat([Buffer.of(VERSION, id.length), id])
}

/**
 * Seals a value for its context. The result is version, length of the key id, key id, nonce, tag and
 * ciphertext.
 */
export function seal(key: NamedKey, nonce: Uint8Array, context: SealContext, plain: string): Buffer {
  const body = encrypt(key.key, nonce, contextBytes(context, key.id), Buffer.from(plain, 'utf8'))
  return Buffer.concat([sealHeader(key.id), body])
}

/**
 * The id of the key that opens a sealed value. Undefined if the bytes are not a sealed value of a known
 * version.
 */
export function keyIdOf(sealed: Uint8Array): string | undefined {
  const [version, length] = sealed
  if (version !== VERSION || !length || sealed.length < 2 + length) return undefined
  return Buffer.from(sealed.subarray(2, 2 + length)).toString('utf8')
}

/**
 * Opens a value. Undefined if it was sealed for another context or with another key, or if any byte was
 * changed.
 */
export function open(key: NamedKey, context: SealContext, sealed: Uint8Array): string | undefined {
  if (keyIdOf(sealed) !== key.id) return undefined
  const body = sealed.subarray(2 + Buffer.byteLength(key.id))
  return decrypt(key.key, contextBytes(context, key.id), body)?.toString('utf8')
}
