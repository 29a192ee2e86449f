import {
  callable,
  checkOptions,
  anyOf,
  objectWithMethods,
  required,
  object,
  nonEmptyText,
  optionsError,
} from '../domain/options.ts'
import { DISK_FULL, GuestpassError } from '../domain/errors.ts'
import type { Clock } from '../ports/clock.ts'
import * as schemas from '../ports/schemas.ts'
import { systemClock, systemRandom } from '../ports/system.ts'
import type { Store } from '../ports/store.ts'
import { createEntryOwner } from './entry-owner.ts'
import { withoutDelivery } from './unsupported-calls.ts'
import { createTextStore } from './text-store.ts'
import type { WebStorage } from './web-storage.ts'

export interface WebStorageStoreOptions {
  /** The name of the entry. Default `guestpass`. */
  readonly key?: string
  /** Default: the system's. */
  readonly clock?: Clock
}

const STORAGE = 'Give sessionStorage, or a function that gives it.'
const storageSchema = required(
  anyOf(objectWithMethods('a web storage', ['getItem', 'setItem', 'removeItem'], STORAGE), callable(STORAGE)),
)
const optionsSchema = object<WebStorageStoreOptions>({ key: nonEmptyText, clock: schemas.clock })

/** Room made sure of before something is spent: more than an answer with tokens adds. */
const RESERVE = ' '.repeat(16_384)

/**
 * A store in the `sessionStorage` of a page: a sign-in survives the redirect to upstream and back, and ends with the window. One entry of
 * JSON holds tokens in clear, guests, and sign-ins that were begun. Every script of the page can read it.
 *
 * Make one in a page. A window that was opened or duplicated from another begins with a copy of its entry. While the first window lives,
 * the copy is emptied and its window is not signed in: a refresh token that two windows present ends the sign-in. This needs the
 * Web Locks of the platform. A second frame of the window, and a page whose entry was changed elsewhere, get `store_busy`.
 *
 * It carries no webhooks and no audit log (`config_invalid`); events stay in memory, the newest 1000 of each connection. Storage that is
 * blocked or full rejects with `store_unavailable`, an entry of something else or cut off with `store_corrupt`, one of a newer version
 * with `store_newer`. Rejects with `config_invalid` for localStorage and for a second store of the entry; throws it for what is no storage.
 *
 * @param storage `sessionStorage`, or a function that gives it: in a page where storage is blocked, naming it throws.
 * @example
 * const store = webStorageStore(sessionStorage)
 * const home = await connection({ hosts, client: { id }, scopes }, { ...webPorts(), store })
 * if (location.search.includes('state=')) await home.signIn.complete(location.search)
 * else location.assign((await home.signIn.begin({ redirectUri })).url)
 */
export function webStorageStore(storage: WebStorage | (() => WebStorage), options: WebStorageStoreOptions = {}): Store {
  checkOptions('webStorageStore', ['storage', storage, storageSchema], ['options', options, optionsSchema])
  const { key = 'guestpass', clock = systemClock() } = options
  const at = typeof storage === 'function' ? storage : () => storage
  const owner = createEntryOwner(key, at, clock)
  /** The entry as this page knows it. */
  let known: string | null = null

  async function isOwn(id: string): Promise<boolean> {
    const ownership = await owner.take(id)
    if (ownership === 'own') return true
    if (ownership === 'copy') return false
    if (ownership === 'frame') throw busy(key, 'Another frame of this window uses it. Let one frame sign in.')
    return refuse('key', `names an entry that another store of this page uses: ${key}`, 'Make one store in a page.')
  }

  const store = createTextStore({
    clock,
    place: `The entry ${key} of the storage`,
    newId: systemRandom().uuid,
    load: async () =>
      using(key, () => {
        known = ofOneWindow(at()).getItem(key)
        return known ?? undefined
      }),
    save: async (text) =>
      using(key, () => {
        // As after a page that was kept for the back button: what it knows may be of before.
        if (at().getItem(key) !== known) throw busy(key, 'It was changed or removed elsewhere. Load the page again.')
        at().setItem(key, text)
        known = text
      }),
    isOwn,
    ensureRoom: async () =>
      using(key, () => {
        at().setItem(`${key}.room`, RESERVE)
        at().removeItem(`${key}.room`)
      }),
    close: async () => owner.release(),
  })
  return { ...store, ...withoutDelivery('webStorageStore', 'no webhooks and no audit log') }
}

/** Refuses the storage that all windows share: one window would empty what the other one uses. */
function ofOneWindow(storage: WebStorage): WebStorage {
  // Outside of pages naming it may print a warning.
  if ('document' in globalThis && storage === globalThis.localStorage)
    refuse('storage', 'is localStorage, which all windows of a site share', 'Give sessionStorage.')
  return storage
}

function refuse(field: string, message: string, remedy: string): never {
  throw optionsError('webStorageStore', { field, message, remedy })
}

const busy = (key: string, why: string): GuestpassError =>
  new GuestpassError('store_busy', `The entry ${key} of the storage cannot be used here. ${why}`)

function using<T>(key: string, work: () => T): T {
  try {
    return work()
  } catch (thrown) {
    if (thrown instanceof GuestpassError) throw thrown
    const name = thrown instanceof Error ? thrown.name : typeof thrown
    const isFull = name === 'QuotaExceededError' || name === 'NS_ERROR_DOM_QUOTA_REACHED'
    const why = isFull
      ? 'is full. Remove other entries of this site'
      : `cannot be used (${name}). Allow this site to store data`
    throw new GuestpassError(
      'store_unavailable',
      `The storage of the page ${why}, then ask again. The entry is ${key}.`,
      isFull ? { reason: DISK_FULL } : {},
    )
  }
}
