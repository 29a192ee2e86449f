import { type CipherKey, createCipheriv, createDecipheriv } from 'node:crypto'

/** Where a sealed value lives. It opens there and nowhere else. */
export interface SealContext {
  readonly connection: string
  readonly table: string
  readonly column: string
  readonly row: string
  readonly generation: number
}

/** A key with the name that every value sealed with it carries. */
export interface NamedKey {
  readonly id: string
  readonly key: CipherKey
}

/** AES-256-GCM: 12 bytes of nonce, 16 of tag. */
const ALGORITHM = 'aes-256-gcm'
export const NONCE_BYTES = 12
const TAG_BYTES = 16
const VERSION = 1

/** Parts with the length before each, so that no two lists of parts give the same bytes. */
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

/** AES-256-GCM as bytes: nonce, tag, ciphertext. */
export function encrypt(key: CipherKey, nonce: Uint8Array, additional: Uint8Array, plain: Uint8Array): Buffer {
  const cipher = createCipheriv(ALGORITHM, key, nonce, { authTagLength: TAG_BYTES })
  cipher.setAAD(additional)
  const body = Buffer.concat([cipher.update(plain), cipher.final()])
  return Buffer.concat([nonce, cipher.getAuthTag(), body])
}

/** The plain bytes, or undefined when key, additional data or any byte is another. */
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

/** Additional data for a wrapped key: what it is for and which key wraps it. */
export const keyContextBytes = (purpose: string, wrappedBy: string): Buffer =>
  lengthPrefixed([`guestpass wrapped key ${VERSION}`, purpose, wrappedBy])

/** What every value sealed with a key begins with. */
export function sealHeader(keyId: string): Buffer {
  const id = Buffer.from(keyId, 'utf8')
  return Buffer.concat([Buffer.of(VERSION, id.length), id])
}

/** A value sealed for its context: version, length of the key's id, the id, then nonce, tag and ciphertext. */
export function seal(key: NamedKey, nonce: Uint8Array, context: SealContext, plain: string): Buffer {
  const body = encrypt(key.key, nonce, contextBytes(context, key.id), Buffer.from(plain, 'utf8'))
  return Buffer.concat([sealHeader(key.id), body])
}

/** The id of the key that a sealed value needs; undefined when the bytes are no sealed value of a known version. */
export function keyIdOf(sealed: Uint8Array): string | undefined {
  const [version, length] = sealed
  if (version !== VERSION || !length || sealed.length < 2 + length) return undefined
  return Buffer.from(sealed.subarray(2, 2 + length)).toString('utf8')
}

/** The value that was sealed for this context; undefined when it was sealed for another one or any byte was changed. */
export function open(key: NamedKey, context: SealContext, sealed: Uint8Array): string | undefined {
  if (keyIdOf(sealed) !== key.id) return undefined
  const body = sealed.subarray(2 + Buffer.byteLength(key.id))
  return decrypt(key.key, contextBytes(context, key.id), body)?.toString('utf8')
}
