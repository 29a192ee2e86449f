import { GuestpassError, type Random } from '@guestpass/core'
import type { KeyRing, WrappedKey } from './key-ring.ts'

/** A data key as the store keeps it. */
export interface StoredDataKey extends WrappedKey {
  readonly id: string
}

/** Where wrapped data keys are kept, oldest first. */
export interface DataKeyStore {
  all(): Promise<readonly StoredDataKey[]>
  /** Adds a key where `newest` is the newest one, undefined where there is none: processes that do it together agree on one. */
  addAfter(newest: string | undefined, key: StoredDataKey): Promise<void>
  /** Puts the key wrapped anew over the same one as it was wrapped before, and of no other. */
  rewrap(before: StoredDataKey, after: WrappedKey): Promise<void>
}

/**
 * A data key as the ring wraps it. Rejects with `store_unavailable` when the ring does not give back the same key: what it sealed
 * would be lost.
 */
export async function wrapKey(ring: KeyRing, key: Uint8Array, id: string): Promise<WrappedKey> {
  const wrappedKey = await ring.wrap(key, id)
  if (Buffer.from(await ring.unwrap(wrappedKey, id)).equals(key)) return wrappedKey
  throw new GuestpassError(
    'store_unavailable',
    `The key ring ${ring.id} does not unwrap what it wraps, so it cannot keep the keys of a store. Nothing was changed.`,
  )
}

/** A new data key, wrapped by the ring. */
export async function newDataKey(ring: KeyRing, random: Random): Promise<StoredDataKey> {
  const id = Buffer.from(random.bytes(8)).toString('hex')
  return { id, ...(await wrapKey(ring, random.bytes(32), id)) }
}
