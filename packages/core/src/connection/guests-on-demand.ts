import { GuestpassError } from '../domain/errors.ts'
import { loadOnce } from '../ports/load-once.ts'
import type { Guests } from '../guests/guests.ts'
import type { Listeners } from '../guests/events/listeners.ts'

/**
 * Loads the code for guests once. Rejects with `internal` if it cannot be loaded, as in an offline page; the
 * next call loads again.
 */
export const guestCode = loadOnce(() => import('./guests.ts').catch(refuseUnloaded))

/**
 * Guests whose code is loaded by the first call, because a page that signs its user in has no guest yet. A
 * call whose code cannot be loaded rejects with `internal`; the next call loads again.
 */
export function createGuestsOnDemand(load: () => Promise<Guests>, listeners: Pick<Listeners, 'add'>): Guests {
  const loaded = loadOnce(() => load().catch(refuseUnloaded))
  const erase = (...args: Parameters<Guests['erase']>) => loaded().then((guests) => guests.erase(...args))
  return {
    issue: async (...args) => (await loaded()).issue(...args),
    token: async (...args) => (await loaded()).token(...args),
    refresh: async (...args) => (await loaded()).refresh(...args),
    keepRenewed: async (...args) => (await loaded()).keepRenewed(...args),
    show: async (...args) => (await loaded()).show(...args),
    list: async (...args) => (await loaded()).list(...args),
    revoke: async (...args) => (await loaded()).revoke(...args),
    erase: erase as Guests['erase'],
    find: async (...args) => (await loaded()).find(...args),
    export: async (...args) => (await loaded()).export(...args),
    invalidate: async (...args) => (await loaded()).invalidate(...args),
    enrichment: {
      drain: async (...args) => (await loaded()).enrichment.drain(...args),
      run: async (...args) => (await loaded()).enrichment.run(...args),
      backlog: async (...args) => (await loaded()).enrichment.backlog(...args),
    },
    onTokenReady: listeners.add,
  }
}

function refuseUnloaded(thrown: unknown): never {
  if (thrown instanceof GuestpassError) throw thrown
  const message =
    'The code for guests could not be loaded. Nothing was sent. Check the network and the files of the program, then call again.'
  throw new GuestpassError('internal', message, { cause: thrown })
}
