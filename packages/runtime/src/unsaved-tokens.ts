import type { ConnectionPorts, GuestpassError } from '@guestpass/core'
import { SECOND } from '@guestpass/core/store-kit'
import type { RuntimeHost } from './runtime-host.ts'

/** How long a program that ends by itself asks a store that cannot take new tokens. */
const UNSAVED_MS = 60 * SECOND
/** How often progress is printed, in seconds. */
const NOTE_EVERY_SECONDS = 5

/**
 * Makes the ports of a connection that handle new tokens which the store does not take. The tokens wait for
 * 60 s, or as long as the process if `staysUp`. Every 5 s the progress is printed.
 *
 * @param path the path of the store, for the message about a full disk
 * @param host prints the progress
 * @param staysUp whether the program runs until it is stopped
 *
 * @example
 * ```ts
 * import { unsavedTokenHooks } from '@guestpass/runtime'
 *
 * const hooks = unsavedTokenHooks('/data/guestpass.db', { note: console.log }, false)
 * console.log(hooks.unsavedMs)
 * ```
 */
export function unsavedTokenHooks(
  path: string,
  host: Pick<RuntimeHost, 'note'>,
  staysUp: boolean,
): Pick<ConnectionPorts, 'onUnsaved' | 'unsavedMs'> {
  const most = staysUp ? 'so far' : `of ${UNSAVED_MS / SECOND} s`
  return {
    onUnsaved({ error, sinceMs }) {
      const why = error.reason === 'disk_full' ? `the disk is full (${path}).` : error.message
      const seconds = Math.floor(sinceMs / SECOND / NOTE_EVERY_SECONDS) * NOTE_EVERY_SECONDS
      const what = isStoreError(error) ? 'The store cannot take the new tokens' : 'The new tokens wait'
      host.note(`${what}: ${why} Trying again; ${seconds} s ${most}.`)
    },
    ...(staysUp ? {} : { unsavedMs: UNSAVED_MS }),
  }
}

/**
 * Whether an error is of the store: its code begins with `store_`. New tokens also wait for other errors, as
 * `keys_unavailable` while they cannot be verified.
 */
export const isStoreError = ({ code }: GuestpassError): boolean => code.startsWith('store_')
