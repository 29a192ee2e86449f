import * as options from '@guestpass/core/options'

/** A data key that is encrypted with a key of a key ring. */
export interface WrappedKey {
  /** The id of the ring's key that wrapped it. */
  readonly wrappedBy: string
  /** The encrypted data key, in the format of the ring. */
  readonly bytes: Uint8Array
}

/**
 * Wraps the data keys of a store with keys that are never stored in it (envelope encryption). Implement it
 * over a secret manager or a cloud key service, or use `fileKeyRing` or `localKeyRing`. `purpose` is the id
 * of the data key. The ring must authenticate it as additional data, so that one wrapped key cannot replace
 * another.
 */
export interface KeyRing {
  /** The id of the key that wraps. It is stored in clear, so it must not be secret. */
  readonly id: string
  /** Encrypts a data key of 32 bytes. */
  wrap(dataKey: Uint8Array, purpose: string): Promise<WrappedKey>
  /**
   * Decrypts a data key. Rejects with `store_wrong_key` if the ring lacks the key `wrappedBy`, and with
   * `store_corrupt` if the bytes were changed.
   */
  unwrap(wrapped: WrappedKey, purpose: string): Promise<Uint8Array>
}

export const keyRingSchema = options.objectWithMethods(
  'a key ring',
  ['wrap', 'unwrap'],
  'Give the `ring` of `await fileKeyRing(path, ports)`, or localKeyRing(text, ports).',
)
