import { createHash } from 'node:crypto'
import { type Field, GuestpassError, type Random } from '@guestpass/core'
import * as schemas from '@guestpass/core/options'
import { keyContextBytes, decrypt, encrypt, NONCE_BYTES } from './cipher.ts'
import type { KeyRing } from './key-ring.ts'

const KEY_BYTES = 32

/** The id of a key: a part of its hash, which does not reveal it. */
const idOf = (key: Uint8Array): string =>
  createHash('sha256').update('guestpass ring key id 1\0').update(key).digest('hex').slice(0, 16)

const parsed = (text: string): Uint8Array | undefined => {
  const bytes = Buffer.from(text, 'base64')
  return bytes.length === KEY_BYTES && bytes.toString('base64') === text ? bytes : undefined
}

const REMEDY = 'Make a key with `openssl rand -base64 32`.'

function refuse(fields: readonly Field[]): never {
  const what = fields.map(({ field, message }) => `${field} ${message}`).join('; ')
  throw new GuestpassError('config_invalid', `${what}. ${REMEDY}`, { fields })
}

function keysOf(text: string, field: string): readonly Uint8Array[] {
  const entries = text.split(',').map((entry) => entry.trim())
  const keys = entries.map(parsed)
  const faults = keys.flatMap((key, index): Field[] => {
    if (key) return []
    const name = entries.length === 1 ? field : `${field}[${index}]`
    return [{ field: name, message: `is not the base64 of ${KEY_BYTES} bytes`, remedy: REMEDY }]
  })
  if (faults.length > 0) refuse(faults)
  return keys.flatMap((key) => key ?? [])
}

/** Options of `localKeyRing`. */
export interface LocalKeyRingOptions {
  /** The source of nonces, such as `nodePorts().random`. */
  readonly random: Random
  /** Names the source of the text in errors. Default `GUESTPASS_ENCRYPTION_KEY`. */
  readonly field?: string
}

const { checkOptions, schema, required, object } = schemas
const textSchema = required(schema('a text', (value) => typeof value === 'string', REMEDY))
const optionsSchema = object<LocalKeyRingOptions>(
  { random: required(schemas.random), field: schemas.nonEmptyText },
  { open: true },
)

/**
 * Creates a key ring from keys in a text. It wraps data keys with AES-256-GCM (NIST SP 800-38D).
 *
 * @param text One key, or several with commas between. A key is the base64 of 32 bytes. The first key wraps
 *   and unwraps, the others only unwrap. To change the key, put the new one first and rotate.
 * @param options `random`, and optionally `field`.
 * @returns The key ring. `unwrap` rejects with `store_wrong_key` if no key of the text wrapped a data key,
 *   and with `store_corrupt` if the wrapped key was changed.
 * @throws `config_invalid` if a part of the text is not a key. The error never shows the text.
 * @example
 * ```ts
 * import { randomBytes } from 'node:crypto'
 * import { nodePorts } from '@guestpass/core/node'
 * import { localKeyRing } from '@guestpass/store/sqlite'
 *
 * const ports = nodePorts()
 * const text = randomBytes(32).toString('base64') // in a real program: a secret from the environment
 * const ring = localKeyRing(text, ports)
 * console.log(`New data keys are wrapped with key ${ring.id}.`)
 * await ports.close()
 * ```
 */
export function localKeyRing(text: string, options: LocalKeyRingOptions): KeyRing {
  checkOptions('localKeyRing', ['text', text, textSchema], ['options', options, optionsSchema])
  const { random, field = 'GUESTPASS_ENCRYPTION_KEY' } = options
  const keys = new Map(keysOf(text, field).map((key) => [idOf(key), key]))
  const [[id, first]] = [...keys] as [[string, Uint8Array]]
  return {
    id,
    async wrap(dataKey, purpose) {
      return { wrappedBy: id, bytes: encrypt(first, random.bytes(NONCE_BYTES), keyContextBytes(purpose, id), dataKey) }
    },
    async unwrap({ wrappedBy, bytes }, purpose) {
      const key = keys.get(wrappedBy)
      if (!key) {
        throw new GuestpassError(
          'store_wrong_key',
          `The store was sealed with key ${wrappedBy}, which is not in ${field} (it has ${[...keys.keys()].join(', ')}). Add that key at the end of the list, after a comma.`,
        )
      }
      const dataKey = decrypt(key, keyContextBytes(purpose, wrappedBy), bytes)
      if (dataKey) return dataKey
      throw new GuestpassError(
        'store_corrupt',
        `The data key "${purpose}" of the store was changed since key ${wrappedBy} wrapped it. Restore the store from a backup.`,
      )
    },
  }
}
