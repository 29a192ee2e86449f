import { createSecretKey } from 'node:crypto'
import { GuestpassError, type Random } from '@guestpass/core'
import { keyIdOf, NONCE_BYTES, type NamedKey, open, type SealContext, seal } from './cipher.ts'
import { type DataKeyStore, newDataKey } from './data-keys.ts'
import type { KeyRing } from './key-ring.ts'

/** Seals values with the newest data key, and opens values of every data key. */
export interface Sealer {
  /** The id of the newest data key that this process knows. It seals new values. */
  readonly current: string
  seal(context: SealContext, plain: string): Uint8Array
  /** Rejects with `store_corrupt` if the value was changed or sealed for another context. */
  open(context: SealContext, sealed: Uint8Array): Promise<string>
  /** Reads the data keys again, because other processes may have added some. */
  reload(): Promise<void>
  /** A random key of 32 bytes as base64. */
  newKey(): string
  /** Seals a value with a key that is not a data key. */
  sealWith(key: NamedKey, context: SealContext, plain: string): Uint8Array
}

const corruptValue = (context: SealContext, why: string): GuestpassError =>
  new GuestpassError(
    'store_corrupt',
    `The ${context.column} of ${context.table} "${context.row}" (connection "${context.connection}", generation ${context.generation}) ${why}. Restore the store from a backup.`,
  )

/**
 * Unwraps the data keys of a store; if there are none, makes the first. Rejects with `store_wrong_key` if the
 * ring lacks the key that wrapped one of them.
 */
export async function createSealer(dataKeys: DataKeyStore, ring: KeyRing, random: Random): Promise<Sealer> {
  const keys = new Map<string, NamedKey>()
  let newest: NamedKey | undefined
  const readKeys = async (): Promise<void> => {
    for (const stored of await dataKeys.all()) {
      newest = keys.get(stored.id) ?? { id: stored.id, key: createSecretKey(await ring.unwrap(stored, stored.id)) }
      keys.set(stored.id, newest)
    }
  }
  // One read after another: each caller waits for a read that started after its call, and a key is unwrapped
  // once.
  let reading = Promise.resolve()
  const reload = (): Promise<void> => (reading = reading.then(readKeys, readKeys))
  const sealing = (): NamedKey => {
    if (newest) return newest
    throw new GuestpassError(
      'store_unavailable',
      'The store has no data key, although one was added. Open the store again.',
    )
  }

  await reload()
  if (!newest) {
    await dataKeys.addAfter(undefined, await newDataKey(ring, random))
    await reload()
  }
  sealing()

  return {
    get current() {
      return sealing().id
    },
    seal: (context, plain) => seal(sealing(), random.bytes(NONCE_BYTES), context, plain),
    async open(context, sealed) {
      const id = keyIdOf(sealed)
      if (id === undefined) throw corruptValue(context, 'is not a sealed value of a known version')
      // Another process may have added a key since the last read.
      if (!keys.has(id)) await reload()
      const key = keys.get(id)
      if (!key) throw corruptValue(context, `needs the data key ${id}, which the store does not hold`)
      const plain = open(key, context, sealed)
      if (plain === undefined) throw corruptValue(context, 'was changed, or moved from another row or generation')
      return plain
    },
    reload,
    newKey: () => Buffer.from(random.bytes(32)).toString('base64'),
    sealWith: (key, context, plain) => seal(key, random.bytes(NONCE_BYTES), context, plain),
  }
}
