import { createSecretKey } from 'node:crypto'
import { GuestpassError, type Random } from '@guestpass/core'
import { keyIdOf, NONCE_BYTES, type NamedKey, open, type Place, seal } from './cipher.ts'
import type { KeyRing, WrappedKey } from './key-ring.ts'

/** A data key as the store keeps it. */
export interface StoredKey extends WrappedKey {
  readonly id: string
}

/** Where wrapped data keys are kept, oldest first. */
export interface KeyShelf {
  all(): Promise<readonly StoredKey[]>
  /** Adds a key where `newest` is the newest one, undefined where there is none: processes that do it together agree on one. */
  addAfter(newest: string | undefined, key: StoredKey): Promise<void>
  /** Puts the key wrapped anew in the place of the same one as it was wrapped before, and of no other. */
  rewrap(before: StoredKey, after: WrappedKey): Promise<void>
}

/** Seals values for their place and opens them there. */
export interface Vault {
  /** The id of the data key that seals: the newest one seen. */
  readonly current: string
  seal(place: Place, plain: string): Uint8Array
  /** Rejects with `store_corrupt` when the value was sealed for another place or changed. */
  open(place: Place, sealed: Uint8Array): Promise<string>
  /** Looks for keys that others have made. */
  reload(): Promise<void>
  /** A new random key as base64, and a value sealed by such a key. */
  newKey(): string
  sealWith(key: NamedKey, place: Place, plain: string): Uint8Array
}

const corrupt = (place: Place, why: string): GuestpassError =>
  new GuestpassError(
    'store_corrupt',
    `The ${place.column} of ${place.table} "${place.row}" (connection "${place.connection}", generation ${place.generation}) ${why}. Restore the store from a backup, or remove the row.`,
  )

/**
 * A data key as the ring wraps it. Rejects with `store_unavailable` when the ring does not give back the same key: what it sealed
 * would be lost.
 */
export async function wrapped(ring: KeyRing, key: Uint8Array, id: string): Promise<WrappedKey> {
  const wrappedKey = await ring.wrap(key, id)
  if (Buffer.from(await ring.unwrap(wrappedKey, id)).equals(key)) return wrappedKey
  throw new GuestpassError(
    'store_unavailable',
    `The key ring ${ring.id} does not unwrap what it wraps, so it cannot keep the keys of a store. Nothing was changed.`,
  )
}

/** A new data key, wrapped by the ring. */
export async function dataKey(ring: KeyRing, random: Random): Promise<StoredKey> {
  const id = Buffer.from(random.bytes(8)).toString('hex')
  return { id, ...(await wrapped(ring, random.bytes(32), id)) }
}

/**
 * The data keys of a store, opened by the key ring. The newest seals. Rejects with `store_wrong_key` when the ring lacks the
 * key of any of them.
 */
export async function vault(shelf: KeyShelf, ring: KeyRing, random: Random): Promise<Vault> {
  const keys = new Map<string, NamedKey>()
  let newest: NamedKey | undefined
  const look = async (): Promise<void> => {
    for (const stored of await shelf.all()) {
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
    await shelf.addAfter(undefined, await dataKey(ring, random))
    await reload()
  }
  sealing()

  return {
    get current() {
      return sealing().id
    },
    seal: (place, plain) => seal(sealing(), random.bytes(NONCE_BYTES), place, plain),
    async open(place, sealed) {
      const id = keyIdOf(sealed)
      if (id === undefined) throw corrupt(place, 'is not a sealed value of a known version')
      // Another process may have added a key since this one looked.
      if (!keys.has(id)) await reload()
      const key = keys.get(id)
      if (!key) throw corrupt(place, `needs the data key ${id}, which the store does not hold`)
      const plain = open(key, place, sealed)
      if (plain === undefined) throw corrupt(place, 'was changed, or moved here from another row or generation')
      return plain
    },
    reload,
    newKey: () => Buffer.from(random.bytes(32)).toString('base64'),
    sealWith: (key, place, plain) => seal(key, random.bytes(NONCE_BYTES), place, plain),
  }
}
