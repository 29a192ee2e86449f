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

/**
 * An open store, with what its users in this process share: routes of events, and listeners of audit records.
 */
export interface OpenStore<S extends Store = Store> extends ObservedStore<S> {
  /** The path of the database file; the address of PostgreSQL without a password; `memory` for a store in memory. */
  readonly place: string
  /**
   * Rejects with `store_unavailable` if its file was removed or replaced, so that new data would be lost
   * with the process, or if its server takes no writes. Rejects with `store_wrong_key` if another process rotated to a
   * key that this one lacks.
   */
  checkStore(): Promise<void>
  /** The listeners of a connection's audit records in this process. */
  auditListeners(connection: string): AuditListeners
  /** Adds a route. An event goes to every queue that one of the routes names. The result removes the route. */
  addRoute(route: Route): () => void
  /** Closes the store; its files stay. A shared store is closed by its last user. */
  close(): Promise<void>
}

/** Clock and randomness of a store. */
export interface StorePorts {
  readonly clock: Clock
  readonly random: Random
}

interface StoreRoutes extends Pick<OpenStore, 'addRoute' | 'auditListeners'> {
  readonly route: Route
}

/**
 * Routes that are added and removed while the store is open, and listeners. An event goes to every queue that
 * a route names.
 */
function createStoreRoutes(): StoreRoutes {
  const routes = new Set<Route>()
  const listeners = new Map<string, AuditListeners>()
  return {
    auditListeners(connection) {
      const known = listeners.get(connection) ?? createAuditListeners()
      listeners.set(connection, known)
      return known
    },
    route: (event: Event) => [...new Set([...routes].flatMap((one) => one(event)))],
    addRoute(route) {
      routes.add(route)
      return () => void routes.delete(route)
    },
  }
}

/**
 * Opens the database of a configuration: a file, which is made with its key if it is missing, or PostgreSQL.
 */
export async function openDurableStore(
  config: Config,
  host: RuntimeHost,
  ports: StorePorts,
): Promise<OpenStore<SealedStore>> {
  const { databaseUrl } = config.settings
  return databaseUrl.kind === 'postgres'
    ? openPostgresStore(config, databaseUrl, ports)
    : openFileStore(config, host, ports)
}

async function openFileStore(
  config: Config,
  host: RuntimeHost,
  { clock, random }: StorePorts,
): Promise<OpenStore<SealedStore>> {
  // Loaded only here, so that programs without a store start sooner.
  const { sqliteStore } = await import('@guestpass/store/sqlite')
  const path = databasePath(config, host.cwd)
  const keyRing = await configuredKeyRing(config.settings, { path, random, host })
  const { route, ...routes } = createStoreRoutes()
  const store = await sqliteStore({ path, keyRing, clock, random, route })
  const checkFile = await createStoreFileCheck(path)
  const checkStore = async (): Promise<void> => {
    await checkFile()
    await store.keys.check()
  }
  return { ...createObservedStore(store), place: path, checkStore, ...routes, close: () => store.close() }
}

async function openPostgresStore(
  { settings }: Config,
  { url, place }: Extract<Config['settings']['databaseUrl'], { readonly kind: 'postgres' }>,
  { clock, random }: StorePorts,
): Promise<OpenStore<SealedStore>> {
  const { localKeyRing, postgresStore } = await import('@guestpass/store/postgres')
  // The configuration has the key: `readConfig` requires it for PostgreSQL.
  const key = (settings.encryptionKey ?? []).map((one) => one.reveal()).join(',')
  const keyRing = localKeyRing(key, { random, field: '`encryptionKey`' })
  const { route, ...routes } = createStoreRoutes()
  const store = await postgresStore({ url, keyRing, clock, random, route })
  const checkStore = async (): Promise<void> => {
    await store.checkWritable?.()
    await store.keys.check()
  }
  return { ...createObservedStore(store), place, checkStore, ...routes, close: () => store.close() }
}

/**
 * Opens a store in memory. Its data is lost with the process.
 *
 * @example
 * ```ts
 * import { nodePorts } from '@guestpass/core/node'
 * import { openMemoryStore } from '@guestpass/runtime'
 *
 * const { store, close } = openMemoryStore(nodePorts())
 * console.log(await store.connections())
 * await close()
 * ```
 */
export function openMemoryStore({ clock }: Pick<StorePorts, 'clock'>): OpenStore {
  const { route, ...routes } = createStoreRoutes()
  return {
    ...createObservedStore(memoryStore({ clock, route })),
    place: 'memory',
    checkStore: async () => {},
    ...routes,
    close: async () => {},
  }
}

interface SharedStore {
  readonly opening: Promise<OpenStore>
  users: number
}

/**
 * The stores that are open in this process, by a digest of database and keys, so that a caller with a wrong key does not get
 * an open store.
 */
const sharedStores = new Map<string, SharedStore>()

/**
 * Opens the store of a configuration for one of several users in this process. Users of one path share the
 * store, which closes with the last of them. Stores in memory are never shared. Rejects as `openRuntime`
 * does.
 *
 * @example
 * ```ts
 * import { nodePorts } from '@guestpass/core/node'
 * import { openSharedStore, readConfig, type RuntimeHost } from '@guestpass/runtime'
 *
 * const { signal } = new AbortController()
 * const env = { GUESTPASS_DATABASE_URL: 'memory:' }
 * const host: RuntimeHost = { env, cwd: '.', signal, actor: 'me', note: console.log, warn: console.log }
 * const { store, close } = await openSharedStore(await readConfig(host), host, nodePorts())
 * console.log(await store.connections())
 * await close()
 * ```
 */
export async function openSharedStore(config: Config, host: RuntimeHost, ports: StorePorts): Promise<OpenStore> {
  const { databaseUrl, encryptionKey = [] } = config.settings
  if (databaseUrl.kind === 'memory') return openMemoryStore(ports)
  const keys = encryptionKey.map((key) => key.reveal()).join(',')
  const database = databaseUrl.kind === 'postgres' ? databaseUrl.url.reveal() : databasePath(config, host.cwd)
  const name = await sha256Hex(`${database} ${keys}`)
  const known = sharedStores.get(name)
  const entry: SharedStore = known ?? { opening: openDurableStore(config, host, ports), users: 0 }
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
