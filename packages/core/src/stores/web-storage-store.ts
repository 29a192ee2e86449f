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

/** Options of `webStorageStore`. */
export interface WebStorageStoreOptions {
  /** The key of the storage entry. Default `guestpass`. */
  readonly key?: string
  /** The clock for expiry and due times. Default: the clock of the system. */
  readonly clock?: Clock
}

const STORAGE = 'Give sessionStorage, or a function that gives it.'
const storageSchema = required(
  anyOf(objectWithMethods('a web storage', ['getItem', 'setItem', 'removeItem'], STORAGE), callable(STORAGE)),
)
const optionsSchema = object<WebStorageStoreOptions>({ key: nonEmptyText, clock: schemas.clock })

/** Reserved before a refresh token is sent: more than an answer with tokens adds. */
const RESERVE = ' '.repeat(16_384)

/**
 * Creates a store in the `sessionStorage` of a page. A sign-in survives the redirect to the upstream and
 * back, and ends with the window. One entry of JSON holds tokens, guests and started sign-ins in clear. Every
 * script of the page can read it.
 *
 * Create one store in a page. A window that was opened or duplicated from another one starts with a copy of
 * its entry. While the first window is open, the copy is emptied and its window is not signed in, because a
 * refresh token that two windows send ends the sign-in. This needs the Web Locks of the platform.
 *
 * It supports no webhooks and no audit log (`config_invalid`). The newest 1000 events of each connection stay
 * in memory.
 *
 * @param storage `sessionStorage`, or a function that returns it. Where storage is blocked, reading
 *   `sessionStorage` throws.
 * @param options `key` and `clock`; both optional.
 * @returns The store. Its calls reject with `store_unavailable` if storage is blocked or full,
 *   `store_corrupt` if the entry is damaged or belongs to another program, `store_newer` if a newer version
 *   wrote it, `store_busy` in a second frame of the window or after the entry was changed elsewhere, and
 *   `config_invalid` for localStorage or a second store of the entry.
 * @throws `config_invalid` if `storage` is neither a storage nor a function.
 * @example
 * ```ts
 * import { webStorageStore } from '@guestpass/core'
 *
 * const entries = new Map<string, string>()
 * const storage = {
 *   getItem: (key: string) => entries.get(key) ?? null,
 *   setItem: (key: string, value: string) => void entries.set(key, value),
 *   removeItem: (key: string) => void entries.delete(key),
 * }
 * const store = webStorageStore(storage, { key: 'my-app' }) // in a page: webStorageStore(sessionStorage)
 * console.log(await store.connections())
 * await store.close()
 * ```
 */
export function webStorageStore(storage: WebStorage | (() => WebStorage), options: WebStorageStoreOptions = {}): Store {
  checkOptions('webStorageStore', ['storage', storage, storageSchema], ['options', options, optionsSchema])
  const { key = 'guestpass', clock = systemClock() } = options
  const at = typeof storage === 'function' ? storage : () => storage
  const owner = createEntryOwner(key, at, clock)
  /** The entry as this page read or wrote it last. */
  let known: string | null = null

  async function isOwn(id: string): Promise<boolean> {
    const ownership = await owner.take(id)
    if (ownership === 'own') return true
    if (ownership === 'copy') return false
    if (ownership === 'frame') throw busy(key, 'Another frame of this window uses it. Sign in from one frame only.')
    return refuse('key', `names an entry that another store of this page uses: ${key}`, 'Create one store in a page.')
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
        // A page restored by the back button may know an older entry.
        if (at().getItem(key) !== known) throw busy(key, 'It was changed or removed elsewhere. Reload the page.')
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

/** Rejects localStorage, which all windows share: one window would empty the entry that another one uses. */
function ofOneWindow(storage: WebStorage): WebStorage {
  // Outside of pages, reading localStorage may print a warning.
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
