import { GuestpassError } from '@guestpass/core'

/**
 * The bytes of a column. Throws `store_corrupt`, which names `what`, if a changed database holds another type
 * there.
 */
export function bytesOf(value: unknown, what: string): Uint8Array {
  if (value instanceof Uint8Array) return value
  throw new GuestpassError('store_corrupt', `The ${what} does not hold bytes. Restore the store from a backup.`)
}
