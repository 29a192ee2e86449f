import { GuestpassError, type Random } from '@guestpass/core'
import type { KeyRing, WrappedKey } from './key-ring.ts'

/** A wrapped data key with its id. */
export interface StoredDataKey extends WrappedKey {
  readonly id: string
}

/** Stores wrapped data keys, oldest first. */
export interface DataKeyStore {
  all(): Promise<readonly StoredDataKey[]>
  /**
   * Adds a key if `newest` is still the newest one; undefined: if there is none. Of several processes, one
   * adds its key.
   */
  addAfter(newest: string | undefined, key: StoredDataKey): Promise<void>
  /** Replaces a wrapped key. Does nothing if the stored one differs from `before`. */
  rewrap(before: StoredDataKey, after: WrappedKey): Promise<void>
}

/**
 * Wraps a data key and unwraps it again as a test. Rejects with `store_unavailable` if the ring returns
 * another key, because every value sealed with it would be lost.
 */
export async function wrapKey(ring: KeyRing, key: Uint8Array, id: string): Promise<WrappedKey> {
  const wrappedKey = await ring.wrap(key, id)
  if (Buffer.from(await ring.unwrap(wrappedKey, id)).equals(key)) return wrappedKey
  throw new GuestpassError(
    'store_unavailable',
    `The key ring ${ring.id} does not unwrap the keys that it wraps, so it cannot protect a store. Nothing was changed. Correct the key ring.`,
  )
}

/** Makes a random data key and wraps it with the ring. */
export async function newDataKey(ring: KeyRing, random: Random): Promise<StoredDataKey> {
  const id = Buffer.from(random.bytes(8)).toString('hex')
  return { id, ...(await wrapKey(ring, random.bytes(32), id)) }
}
