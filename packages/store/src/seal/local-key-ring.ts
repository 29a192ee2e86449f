import { createHash } from 'node:crypto'
import { type Field, GuestpassError, type Random } from '@guestpass/core'
import * as schemas from '@guestpass/core/options'
import { keyContextBytes, decrypt, encrypt, NONCE_BYTES } from './cipher.ts'
import type { KeyRing } from './key-ring.ts'

const KEY_BYTES = 32

/** A name for a key that does not give it away. */
const idOf = (key: Uint8Array): string =>
  createHash('sha256').update('guestpass ring key id 1\0').update(key).digest('hex').slice(0, 16)

const parsed = (text: string): Uint8Array | undefined => {
  const bytes = Buffer.from(text, 'base64')
  return bytes.length === KEY_BYTES && bytes.toString('base64') === text ? bytes : undefined
}

const REMEDY = 'Make one with `openssl rand -base64 32`.'

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

interface LocalKeyRingOptions {
  readonly random: Random
  /** Names the source of the text in errors. Default GUESTPASS_ENCRYPTION_KEY. */
  readonly field?: string
}

const { checkOptions, schema, required, object } = schemas
const textSchema = required(schema('a text', (value) => typeof value === 'string', REMEDY))
const optionsSchema = object<LocalKeyRingOptions>(
  { random: required(schemas.random), field: schemas.nonEmptyText },
  { open: true },
)

/**
 * A key ring from text: base64 of 32 bytes, or several of them with commas between; the first wraps, the others only
 * unwrap. `field` names the source of the text in errors. Throws `config_invalid`, which never shows the text.
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
          `The store was sealed with key ${wrappedBy}, which is not among the ${keys.size} given in ${field} (${[...keys.keys()].join(', ')}). Add it to the list, after a comma.`,
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
