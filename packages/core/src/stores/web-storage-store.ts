import { call, checkOptions, either, having, needed, record, text } from '../domain/options.ts'
import { type Millis, SECOND } from '../domain/time.ts'
import { DISK_FULL, GuestpassError } from '../errors.ts'
import type { Clock } from '../ports/clock.ts'
import * as kinds from '../ports/kinds.ts'
import { systemClock, systemLock, systemRandom } from '../ports/system.ts'
import type { Store } from '../ports/store.ts'
import { withoutDelivery } from './not-carried.ts'
import { textStore } from './text-store.ts'

/** What is used of a `Storage` of the platform. */
export interface WebStorage {
  getItem(key: string): string | null
  setItem(key: string, value: string): void
  removeItem(key: string): void
}

export interface WebStorageStoreOptions {
  /** The name of the entry. Default `guestpass`. */
  readonly key?: string
  /** Default: the system's. */
  readonly clock?: Clock
}

const STORAGE = 'Give sessionStorage, or a function that gives it.'
const storageKind = needed(
  either(having('a web storage', ['getItem', 'setItem', 'removeItem'], STORAGE), call(STORAGE)),
)
const optionsKind = record<WebStorageStoreOptions>({ key: text, clock: kinds.clock })

/** Events kept of each connection in memory, for `report`. */
const KEEP_EVENTS = 1_000
/** Room made sure of before something is spent: more than an answer with tokens adds. */
const RESERVE = ' '.repeat(16_384)
/** How long the page before may take to let go of the entry. */
const PATIENCE: Millis = 2 * SECOND
const PAUSE: Millis = SECOND / 20

/** The ids of the entries that stores of this page use. */
const held = new Set<string>()

/**
 * A store in the `sessionStorage` of a page: a sign-in goes on when the page comes back from upstream, and is gone when the window is
 * closed. One entry of JSON holds tokens in clear, guests, and sign-ins that were begun. Every script of the page can read it.
 *
 * Make one in a page. A window that was opened or duplicated from another begins with a copy of its entry. While the first window lives,
 * the copy is emptied and its window is not signed in, because a refresh token that two windows present ends the sign-in. This needs the
 * Web Locks of the platform.
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
  checkOptions('webStorageStore', ['storage', storage, storageKind], ['options', options, optionsKind])
  const { key = 'guestpass', clock = systemClock() } = options
  const at = typeof storage === 'function' ? storage : () => storage
  let release = (): void => {}

  /** The page before may be on its way out. */
  async function isOwn(id: string): Promise<boolean> {
    if (held.has(id))
      refuse('key', `names an entry that another store of this page uses: ${key}`, 'Make one store in a page.')
    for (let left = PATIENCE; left >= 0; left -= PAUSE) {
      const unlock = await systemLock(`guestpass:${id}`)
      if (unlock) {
        held.add(id)
        release = () => {
          held.delete(id)
          unlock()
        }
        return true
      }
      await clock.sleep(PAUSE)
    }
    return false
  }

  const store = textStore({
    clock,
    route: () => [],
    keepEvents: KEEP_EVENTS,
    place: `The entry ${key} of the storage`,
    newId: systemRandom().uuid,
    load: async () => using(key, () => ofOneWindow(at()).getItem(key) ?? undefined),
    save: async (text) => using(key, () => at().setItem(key, text)),
    isOwn,
    ensureRoom: async () =>
      using(key, () => {
        at().setItem(`${key}.room`, RESERVE)
        at().removeItem(`${key}.room`)
      }),
    close: async () => release(),
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
  throw new GuestpassError('config_invalid', `Wrong options for webStorageStore: ${field} ${message}. ${remedy}`, {
    fields: [{ field, message, remedy }],
  })
}

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
