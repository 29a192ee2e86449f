import type { ConnectionPorts, GuestpassError } from '@guestpass/core'
import { SECOND } from '@guestpass/core/store-kit'
import type { RuntimeHost } from './runtime-host.ts'

/** How long a program that ends by itself asks a store that cannot take new tokens. */
const UNSAVED_MS = 60 * SECOND
/** How often it says so. */
const TOLD_EVERY = 5

/** What is said while new tokens wait for the store, and how long they wait: `lasts`: as long as the process. */
export function unsavedTokenHooks(
  path: string,
  host: Pick<RuntimeHost, 'note'>,
  lasts: boolean,
): Pick<ConnectionPorts, 'onUnsaved' | 'unsavedMs'> {
  const most = lasts ? 'so far' : `of ${UNSAVED_MS / SECOND} s`
  return {
    onUnsaved({ error, sinceMs }) {
      const why = error.reason === 'disk_full' ? `the disk is full (${path}).` : error.message
      const seconds = Math.floor(sinceMs / SECOND / TOLD_EVERY) * TOLD_EVERY
      const what = isStoreError(error) ? 'The store cannot take the new tokens' : 'The new tokens wait'
      host.note(`${what}: ${why} Trying again; ${seconds} s ${most}.`)
    },
    ...(lasts ? {} : { unsavedMs: UNSAVED_MS }),
  }
}

/** Otherwise the tokens cannot be judged yet, as while the keys of the issuer cannot be had. */
export const isStoreError = ({ code }: GuestpassError): boolean => code.startsWith('store_')
