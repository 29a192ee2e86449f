import type { ConnectionPorts, GuestpassError } from '@guestpass/core'
import { SECOND } from '@guestpass/core/store-kit'
import type { RuntimeHost } from './runtime-host.ts'

/** How long a program that ends by itself asks a store that cannot take new tokens. */
const UNSAVED_MS = 60 * SECOND
/** How often progress is printed, in seconds. */
const NOTE_EVERY_SECONDS = 5

/**
 * The options of a connection for new tokens that the store does not take: they wait for 60 s, or as long as
 * the process if `staysUp`. Progress is printed meanwhile.
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
 * Whether the store is the cause. Otherwise the tokens cannot be verified yet, as while the issuer's keys
 * cannot be fetched.
 */
export const isStoreError = ({ code }: GuestpassError): boolean => code.startsWith('store_')
