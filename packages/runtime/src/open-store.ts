import { type Clock, type Event, memoryStore, type Random, type Store } from '@guestpass/core'
import { type Route, sha256Hex } from '@guestpass/core/store-kit'
import type { SealedStore } from '@guestpass/store/sqlite'
import { type AuditListeners, createAuditListeners } from './audit-listener.ts'
import type { Config } from './config/config.ts'
import { databasePath } from './database-path.ts'
import type { RuntimeHost } from './runtime-host.ts'
import { configuredKeyRing } from './key-ring.ts'
import { type ObservedStore, createObservedStore } from './observed-store.ts'
import { createStoreFileCheck } from './store-file-check.ts'

/** An open store. */
export interface OpenStore<S extends Store = Store> extends ObservedStore<S> {
  /** Where it is: the path of its file, or `memory`. */
  readonly place: string
  /** Rejects with `store_unavailable` where its file was removed or replaced: what is stored from then on is lost with the process. */
  checkStoreFile(): Promise<void>
  /** The listeners of a connection's audit records in this process. */
  auditListeners(connection: string): AuditListeners
  /** Names further sinks of events from now on; the answer ends it. */
  addRoute(route: Route): () => void
  close(): Promise<void>
}

interface StorePorts {
  readonly clock: Clock
  readonly random: Random
}

interface StoreRoutes extends Pick<OpenStore, 'addRoute' | 'auditListeners'> {
  readonly route: Route
}

/** What the users of a store bring: routes that come and go (an event goes to the sinks that any of them names), and listeners. */
function createStoreRoutes(): StoreRoutes {
  const all = new Set<Route>()
  const listeners = new Map<string, AuditListeners>()
  return {
    auditListeners(connection) {
      const known = listeners.get(connection) ?? createAuditListeners()
      listeners.set(connection, known)
      return known
    },
    route: (event: Event) => [...new Set([...all].flatMap((route) => route(event)))],
    addRoute(route) {
      all.add(route)
      return () => void all.delete(route)
    },
  }
}

/** Opens the database file of a configuration; the file and its key are made where there are none. */
export async function openFileStore(
  config: Config,
  host: RuntimeHost,
  { clock, random }: StorePorts,
): Promise<OpenStore<SealedStore>> {
  // Loaded here, so that what needs no store starts sooner.
  const { sqliteStore } = await import('@guestpass/store/sqlite')
  const path = databasePath(config, host.cwd)
  const keyRing = await configuredKeyRing(config.settings, { path, random, host })
  const { route, ...uses } = createStoreRoutes()
  const store = await sqliteStore({ path, keyRing, clock, random, route })
  const stands = await createStoreFileCheck(path)
  return { ...createObservedStore(store), place: path, checkStoreFile: stands, ...uses, close: () => store.close() }
}

/** Opens a store that is gone with the process. */
export function openMemoryStore({ clock }: Pick<StorePorts, 'clock'>): OpenStore {
  const { route, ...uses } = createStoreRoutes()
  return {
    ...createObservedStore(memoryStore({ clock, route })),
    place: 'memory',
    checkStoreFile: async () => {},
    ...uses,
    close: async () => {},
  }
}

interface SharedStore {
  readonly opening: Promise<OpenStore>
  users: number
}

/** The stores that are open in this process, by path and keys: what has no right key opens none. */
const sharedStores = new Map<string, SharedStore>()

/**
 * Opens the store of a configuration for one of several users in this process: those of one path share it, and it closes with the last.
 * Stores in memory are never shared.
 */
export async function openSharedStore(config: Config, host: RuntimeHost, ports: StorePorts): Promise<OpenStore> {
  const { databaseUrl, encryptionKey = [] } = config.settings
  if (databaseUrl.kind === 'memory') return openMemoryStore(ports)
  const keys = encryptionKey.map((key) => key.reveal()).join(',')
  const name = `${databasePath(config, host.cwd)} ${await sha256Hex(keys)}`
  const known = sharedStores.get(name)
  const entry: SharedStore = known ?? { opening: openFileStore(config, host, ports), users: 0 }
  sharedStores.set(name, entry)
  entry.users += 1
  const leave = (): boolean => {
    entry.users -= 1
    const isLast = entry.users === 0
    if (isLast && sharedStores.get(name) === entry) sharedStores.delete(name)
    return isLast
  }
  try {
    const opened = await entry.opening
    return { ...opened, close: callOnce(async () => (leave() ? opened.close() : undefined)) }
  } catch (thrown) {
    leave()
    throw thrown
  }
}

function callOnce(work: () => Promise<void>): () => Promise<void> {
  let done: Promise<void> | undefined
  return () => (done ??= work())
}
