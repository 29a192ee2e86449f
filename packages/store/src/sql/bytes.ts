import { GuestpassError } from '@guestpass/core'

/** A column of bytes, checked: a database may hold a text or a number in its place. Throws `store_corrupt`, naming `what`. */
export function bytesOf(value: unknown, what: string): Uint8Array {
  if (value instanceof Uint8Array) return value
  throw new GuestpassError('store_corrupt', `The ${what} is not made of bytes. Restore the store from a backup.`)
}
