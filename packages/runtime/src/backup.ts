import { resolve } from 'node:path'
import { prepareRestoredConnection, type RestoreData, systemClock, systemRandom } from '@guestpass/core/runtime-kit'
import type { ErasureRecord } from '@guestpass/store/sqlite'
import type { Config } from './config/config.ts'
import { databasePath } from './database-path.ts'
import { configuredKeyRing } from './key-ring.ts'
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
  /** What was done for each connection, by its name. */
  readonly connections: Readonly<Record<string, RestoreData>>
}

/**
 * Replaces the database of a configuration by a backup. Before a process can open it, refresh tokens that may
 * be spent are declared in doubt, guests that were erased after the backup are erased again, and
 * `STORE_RESTORED` is recorded in every connection. The replaced database is kept beside it.
 *
 * @param file the path of the backup, from the folder of the host
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
  const { restoreStore } = await import('@guestpass/store/sqlite')
  const database = databasePath(config, host.cwd)
  const [clock, random] = [systemClock(), systemRandom()]
  const keyRing = await configuredKeyRing(config.settings, { path: database, random, host, needsKey: true })
  const from = resolve(host.cwd, file)
  const { prepared, replaced, wasDamaged } = await restoreStore({
    path: database,
    from,
    keyRing,
    clock,
    random,
    async prepare(store, erasures) {
      const connections: Record<string, RestoreData> = {}
      const subjects = subjectsByConnection(erasures)
      for (const name of await store.connections()) {
        connections[name] = await prepareRestoredConnection(
          name,
          subjects.get(name) ?? [],
          { store, clock, random },
          { actor: host.actor },
        )
      }
      return connections
    },
  })
  if (wasDamaged) host.warn(`the replaced database ${replaced} is damaged; stop every process that still uses it`)
  return { file: from, database, ...(replaced === undefined ? {} : { replaced }), connections: prepared }
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
