import * as options from '@guestpass/core/options'

/** A data key as it is kept: only the key ring can open it. */
export interface WrappedKey {
  /** The key of the ring that wrapped it. */
  readonly wrappedBy: string
  readonly bytes: Uint8Array
}

/**
 * Holds the keys that never touch the store, and wraps the store's data keys with them. A vault or a cloud's key service
 * plugs in here. `purpose` names what is wrapped and must be authenticated with it.
 */
export interface KeyRing {
  /** Names the key that wraps now; nothing secret, stored in clear. */
  readonly id: string
  wrap(dataKey: Uint8Array, purpose: string): Promise<WrappedKey>
  /** Rejects with `store_wrong_key` when the ring lacks the key, with `store_corrupt` when the bytes were changed. */
  unwrap(wrapped: WrappedKey, purpose: string): Promise<Uint8Array>
}

export const keyRingSchema = options.objectWithMethods(
  'a key ring',
  ['wrap', 'unwrap'],
  'Give the `ring` of what `await fileKeyRing(path, ports)` gives, or localKeyRing(text, ports).',
)
