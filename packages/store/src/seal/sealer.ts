import { createSecretKey } from 'node:crypto'
import { GuestpassError, type Random } from '@guestpass/core'
import { keyIdOf, NONCE_BYTES, type NamedKey, open, type SealContext, seal } from './cipher.ts'
import { type DataKeyStore, newDataKey } from './data-keys.ts'
import type { KeyRing } from './key-ring.ts'

/** Seals values for their context and opens them there. */
export interface Sealer {
  /** The id of the data key that seals: the newest one seen. */
  readonly current: string
  seal(context: SealContext, plain: string): Uint8Array
  /** Rejects with `store_corrupt` when the value was sealed for another context or changed. */
  open(context: SealContext, sealed: Uint8Array): Promise<string>
  /** Looks for keys that others have made. */
  reload(): Promise<void>
  /** A new random key as base64, and a value sealed by such a key. */
  newKey(): string
  sealWith(key: NamedKey, context: SealContext, plain: string): Uint8Array
}

const corruptValue = (context: SealContext, why: string): GuestpassError =>
  new GuestpassError(
    'store_corrupt',
    `The ${context.column} of ${context.table} "${context.row}" (connection "${context.connection}", generation ${context.generation}) ${why}. Restore the store from a backup, or remove the row.`,
  )

/**
 * The data keys of a store, opened by the key ring. The newest seals. Rejects with `store_wrong_key` when the ring lacks the
 * key of any of them.
 */
export async function createSealer(dataKeys: DataKeyStore, ring: KeyRing, random: Random): Promise<Sealer> {
  const keys = new Map<string, NamedKey>()
  let newest: NamedKey | undefined
  const look = async (): Promise<void> => {
    for (const stored of await dataKeys.all()) {
      newest = keys.get(stored.id) ?? { id: stored.id, key: createSecretKey(await ring.unwrap(stored, stored.id)) }
      keys.set(stored.id, newest)
    }
  }
  // One after the other: whoever asks gets a look that began after it asked, and each key is unwrapped once.
  let looking = Promise.resolve()
  const reload = (): Promise<void> => (looking = looking.then(look, look))
  const sealing = (): NamedKey => {
    if (newest) return newest
    throw new GuestpassError('store_unavailable', 'The store did not keep its first data key. Open it again.')
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
      // Another process may have added a key since this one looked.
      if (!keys.has(id)) await reload()
      const key = keys.get(id)
      if (!key) throw corruptValue(context, `needs the data key ${id}, which the store does not hold`)
      const plain = open(key, context, sealed)
      if (plain === undefined) throw corruptValue(context, 'was changed, or moved here from another row or generation')
      return plain
    },
    reload,
    newKey: () => Buffer.from(random.bytes(32)).toString('base64'),
    sealWith: (key, context, plain) => seal(key, random.bytes(NONCE_BYTES), context, plain),
  }
}
