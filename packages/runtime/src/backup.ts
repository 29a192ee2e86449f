import { existsSync } from 'node:fs'
import { resolve } from 'node:path'
import type { Store } from '@guestpass/core'
import {
  iso,
  newestLinks,
  prepareRestoredConnection,
  type RestoreData,
  systemClock,
  systemRandom,
} from '@guestpass/core/runtime-kit'
import type { ErasureRecord } from '@guestpass/store/sqlite'
import type { Config } from './config/config.ts'
import { databasePath } from './database-path.ts'
import { configuredKeyRing } from './key-ring.ts'
import { prepareRestoredServer } from './restored-server.ts'
import type { RuntimeHost } from './runtime-host.ts'

/** A backup that was written and checked. */
export interface StoreBackup {
  /** The absolute path of the backup. */
  readonly file: string
  /** The absolute path of the database. */
  readonly database: string
  readonly bytes: number
}

/**
 * Writes a consistent copy of the database of a configuration to a new file, while other processes use it, and
 * checks the copy. The copy holds neither the key nor the list of erasures.
 *
 * @param file the path of the backup, from the folder of the host
 * @throws `config_invalid` if the database is not a file; otherwise as `backupStore` of the store
 *
 * @example
 * ```ts
 * import { backupDatabase, openRuntime, readConfig, type RuntimeHost } from '@guestpass/runtime'
 *
 * const { signal } = new AbortController()
 * const host: RuntimeHost = { env: {}, cwd: '.', signal, actor: 'me', note: console.log, warn: console.log }
 * const config = await readConfig(host)
 * await (await openRuntime(config, host)).close()
 * console.log((await backupDatabase(config, host, 'backup.db')).bytes)
 * ```
 */
export async function backupDatabase(config: Config, host: RuntimeHost, file: string): Promise<StoreBackup> {
  const { backupStore } = await import('@guestpass/store/sqlite')
  const database = databasePath(config, host.cwd)
  const random = systemRandom()
  const keyRing = await configuredKeyRing(config.settings, { path: database, random, host, needsKey: true })
  const to = resolve(host.cwd, file)
  const { bytes } = await backupStore({ path: database, to, keyRing, random })
  return { file: to, database, bytes }
}

/** A database that was replaced by a backup. */
export interface RestoreResult {
  /** The absolute path of the backup. */
  readonly file: string
  /** The absolute path of the database. */
  readonly database: string
  /** Where the replaced database is now. Absent if there was none. */
  readonly replaced?: string
  /** Absent, or true if the replaced database is damaged. */
  readonly wasDamaged?: true
  /** How many guests that were erased the replaced database still holds. Absent for none, or if it is damaged. */
  readonly erasedInReplaced?: number
  /** What was done for each connection, by its name. */
  readonly connections: Readonly<Record<string, ConnectionRestore>>
}

/** What was done for a connection of a restored database. */
export interface ConnectionRestore extends RestoreData {
  /** The time of the last audit record in the backup, as ISO 8601 in UTC. Absent if it has none. */
  readonly lastRecordAt?: string
}

/**
 * Replaces the database of a configuration by a backup. Before a process can open it, refresh tokens that may
 * be spent are declared in doubt, guests that were erased after the backup are erased again, and
 * `STORE_RESTORED` is recorded in every connection. The replaced database is kept beside it.
 *
 * A PostgreSQL database is prepared in the same way, after `pg_restore` has filled it.
 *
 * @param file the path of the backup, from the folder of the host; for PostgreSQL that of a list of erasures: audit
 *   records, as `audit tail --json` writes them
 * @throws `store_busy` while a process has the store open; `config_invalid` if the database is not a file;
 *   otherwise as `restoreStore` of the store
 *
 * @example
 * ```ts
 * import { backupDatabase, openRuntime, readConfig, restoreDatabase, type RuntimeHost } from '@guestpass/runtime'
 *
 * const { signal } = new AbortController()
 * const host: RuntimeHost = { env: {}, cwd: '.', signal, actor: 'me', note: console.log, warn: console.log }
 * const config = await readConfig(host)
 * await (await openRuntime(config, host)).close()
 * const { file } = await backupDatabase(config, host, 'yesterday.db')
 * console.log((await restoreDatabase(config, host, file)).replaced)
 * ```
 */
export async function restoreDatabase(config: Config, host: RuntimeHost, file: string): Promise<RestoreResult> {
  if (config.settings.databaseUrl.kind === 'postgres') return prepareRestoredServer(config, host, file)
  const { erasureListPath, restoreStore } = await import('@guestpass/store/sqlite')
  const database = databasePath(config, host.cwd)
  const [clock, random] = [systemClock(), systemRandom()]
  const keyRing = await configuredKeyRing(config.settings, { path: database, random, host, needsKey: true })
  const from = resolve(host.cwd, file)
  const { prepared, replaced, wasDamaged, erasedInReplaced } = await restoreStore({
    path: database,
    from,
    keyRing,
    clock,
    random,
    async prepare(store, erasures) {
      const connections: Record<string, ConnectionRestore> = {}
      const subjects = subjectsByConnection(erasures)
      for (const name of await store.connections()) {
        const lastRecordAt = await timeOfLastRecord(store, name)
        const done = await prepareRestoredConnection(
          name,
          subjects.get(name) ?? [],
          { store, clock, random },
          { actor: host.actor },
        )
        connections[name] = { ...done, ...(lastRecordAt === undefined ? {} : { lastRecordAt }) }
      }
      return connections
    },
  })
  const list = erasureListPath(database)
  if (!existsSync(list)) {
    host.warn(
      `there is no list of erasures ${list}: guests that were erased after the backup are back. If there were any, put the list there and restore again`,
    )
  }
  if (wasDamaged) host.warn(`the replaced database ${replaced} is damaged; stop every process that still uses it`)
  return {
    file: from,
    database,
    ...(replaced === undefined ? {} : { replaced }),
    ...(wasDamaged ? { wasDamaged } : {}),
    ...(erasedInReplaced === undefined ? {} : { erasedInReplaced }),
    connections: prepared,
  }
}

async function timeOfLastRecord(store: Pick<Store, 'chain'>, connection: string): Promise<string | undefined> {
  const [last] = await newestLinks(store, connection, { limit: 1 })
  return last && iso(last.event.at)
}

function subjectsByConnection(erasures: readonly ErasureRecord[]): ReadonlyMap<string, readonly string[]> {
  const subjects = new Map<string, string[]>()
  for (const { connection, subject } of erasures) {
    const known = subjects.get(connection) ?? []
    known.push(subject)
    subjects.set(connection, known)
  }
  return subjects
}
