import { type Clock, type Random, Secret } from '@guestpass/core'
import * as schemas from '@guestpass/core/options'
import { type Instant, isWholeAddress, type Millis, type Route, SECOND } from '@guestpass/core/store-kit'
import { sql } from 'kysely'
import { type KeyRing, keyRingSchema } from '../seal/key-ring.ts'
import { createSealer } from '../seal/sealer.ts'
import { createDataKeyStore } from '../sql/data-key-store.ts'
import type { Database } from '../sql/database.ts'
import { createMapErrors, type MapErrors } from '../sql/store-errors.ts'
import { createStoreKeys, type SealedStore } from '../sql/store-keys.ts'
import { createSqlStore } from '../sql/store.ts'
import { createDatabaseClock } from './database-clock.ts'
import { failIfReadOnly, toStoreError } from './errors.ts'
import { tableNames } from './first-migration.ts'
import { commitOf, createGroups } from './groups.ts'
import { createMaintenance } from './maintenance.ts'
import { checkVersion, migrate, type Migrations } from './migrate.ts'
import { createNewestKeyCache } from './newest-key-cache.ts'
import { createOutageMemory } from './outage-memory.ts'
import { createPool, type PgPool, type PoolOptions } from './pool.ts'
import { postgresSchema } from './postgres-schema.ts'
import { isReadOnly, readServer } from './server.ts'
import { read, type TransactionParts } from './transactions.ts'

/** Options of `postgresStore`. */
export interface PostgresStoreOptions {
  /** The address of the database: `postgres://user:password@host:port/database`, also of a pooler before it. */
  readonly url: string | Secret
  /** Wraps the data keys of the store: `localKeyRing(…)` or your own. All processes must have the same. */
  readonly keyRing: KeyRing
  /** Measures waits, such as `nodePorts().clock`. The time of the store is that of the database. */
  readonly clock: Clock
  /** The source of keys, nonces and ids, such as `nodePorts().random`. */
  readonly random: Random
  /** Names the sinks that get an event. Default: none. */
  readonly route?: Route
  /** The most connections of this process to the server, 2 to 1000. Default 10. */
  readonly poolSize?: number
  /**
   * How long a call waits for a connection, for other transactions, or for a server that is gone, in milliseconds;
   * from 0, default 10,000. Then `store_busy` or `store_unavailable`.
   */
  readonly waitMs?: Millis
  /** The longest wait for one lock, in milliseconds; from 1, default 5000. The transaction is then repeated. */
  readonly lockMs?: Millis
  /** The longest time of a statement, in milliseconds; from 1, default 10,000. */
  readonly statementMs?: Millis
  /** The longest pause of this process in a transaction, in milliseconds; from 1, default 5000. */
  readonly idleMs?: Millis
  /** Gives the time in place of the clock of the database, for tests. */
  readonly time?: () => Instant
}

const { callable, checkOptions, schema, millis, required, object } = schemas

const textOf = (url: unknown): unknown => (url instanceof Secret ? url.reveal() : url)

function isAddress(written: unknown): boolean {
  const url = textOf(written)
  return (
    typeof url === 'string' &&
    /^postgres(?:ql)?:\/\/[^/]/i.test(url) &&
    URL.canParse(url) &&
    isWholeAddress(new URL(url))
  )
}

const optionsSchema = object<PostgresStoreOptions>(
  {
    url: required(
      schema('an address of PostgreSQL', isAddress, 'Give one, such as postgres://user:password@host:5432/database.'),
    ),
    keyRing: required(keyRingSchema),
    clock: required(schemas.clock),
    random: required(schemas.random),
    route: schemas.route,
    poolSize: schema(
      'a number of connections from 2 to 1000',
      (value) => Number.isInteger(value) && (value as number) >= 2 && (value as number) <= 1000,
      'Leave it out for 10.',
    ),
    waitMs: millis(0),
    lockMs: millis(1),
    statementMs: millis(1),
    idleMs: millis(1),
    time: callable('Leave it out: the database has a clock.'),
  },
  { open: true },
)

/** The address without user, password and parameters. */
function placeOf(url: string): string {
  const { host, pathname } = new URL(url)
  return `postgres://${host}${pathname}`
}

/** How long to ask a server that refuses connections when the store is opened: the address may be wrong. */
const OPEN_WAIT: Millis = SECOND

/** More than the longest statement, because the server ends it first if it answers. */
const ANSWER_SLACK: Millis = 2_000

/** The bytes of the tables of the store, with their indexes. */
const sizeOfTables = sql<{ bytes: number }>`select sum(pg_total_relation_size(oid))::bigint as bytes from pg_class
  where oid = any (select to_regclass(name) from unnest(${tableNames}::text[]) as name)`

function createDatabase(parts: TransactionParts, mapErrors: MapErrors): Database {
  const { pool, databaseClock } = parts
  const maintenance = createMaintenance(parts)
  const groups = createGroups(parts, maintenance)
  return {
    member: postgresSchema.member,
    now: databaseClock.now,
    leaseNow: databaseClock.now,
    read: (work) => mapErrors(() => read(parts, work)),
    write: (work, { connection = '', scrub = false, ...options } = {}) =>
      mapErrors(async () => {
        const value = await groups.of(connection, commitOf(options))(work, options)
        if (scrub) maintenance.afterErasure()
        return value
      }),
    // The server says itself when its disk is full, and nothing can be reserved on it.
    ensureRoom: async () => {},
    tracesSince: async () => undefined,
    fileSizes: () =>
      mapErrors(async () => {
        const { rows } = await read(parts, (db) => sizeOfTables.execute(db))
        return rows[0] ? { fileBytes: rows[0].bytes } : {}
      }),
    async close() {
      await groups.idle()
      await maintenance.idle()
      await pool.close()
    },
  }
}

/** Opens the store on a pool that `makePool` makes. Tests make one that fails, and have migrations of another version. */
export async function openOnPool(
  options: PostgresStoreOptions,
  makePool: (options: PoolOptions) => PgPool,
  migrations?: Migrations,
): Promise<SealedStore> {
  const { keyRing, clock, random, route = () => [], poolSize = 10, waitMs = 10_000, time } = options
  const { lockMs = 5_000, statementMs = 10_000, idleMs = 5_000 } = options
  const url = textOf(options.url) as string
  const place = placeOf(url)
  const pool = makePool({ url, poolSize, waitMs: Math.max(waitMs, 1), answerMs: statementMs + ANSWER_SLACK, clock })
  const databaseClock = createDatabaseClock(clock, time)
  const outages = { reads: createOutageMemory(clock, waitMs), writes: createOutageMemory(clock, waitMs) }
  const newestKeys = createNewestKeyCache()
  const checkNeeded = (needed: string): void => checkVersion(needed, place, migrations)
  const limits = { waitMs, lockMs, statementMs, idleMs }
  const parts = { pool, clock, random, databaseClock, newestKeys, outages, checkNeeded, ...limits }
  const mapErrors = createMapErrors((thrown) => toStoreError(thrown, place, clock.wall()))
  try {
    return await mapErrors(async () => {
      await migrate({ pool, clock, random, place, migrations }, Math.min(waitMs, OPEN_WAIT))
      const database = createDatabase(parts, mapErrors)
      const dataKeys = createDataKeyStore(database)
      const sealer = await createSealer(dataKeys, keyRing, random)
      const all = { database, dataKeys, sealer, keyRing, random, route }
      const server = () => database.read((db) => readServer(db, poolSize))
      const checkWritable = () => mapErrors(async () => failIfReadOnly(await database.read(isReadOnly)))
      return { ...createSqlStore(all), keys: createStoreKeys(all), server, checkWritable }
    })
  } catch (thrown) {
    await pool.close()
    throw thrown
  }
}

/**
 * Opens a durable store in a PostgreSQL database (15 or newer), which processes of several machines share. Creates or
 * migrates its tables if needed. A commit is on the disk of the server when it resolves. Tokens, profiles and
 * documents are encrypted. After an outage of the server the store goes on by itself. A pooler in transaction mode may
 * be between.
 *
 * @param options `url`, `keyRing`, `clock` and `random`; optionally `route`, `poolSize`, `time` and limits of time.
 * @returns The store, and `keys` to list and rotate its data keys. Close it before the process ends.
 * @throws `config_invalid` for a wrong option; `store_unavailable` if the server cannot be used; it is retryable if it
 *   may pass; `store_corrupt` if the database is of another program; `store_newer` if it needs a newer version;
 *   `store_wrong_key` if the key ring lacks its key; `store_busy` if another process migrates it.
 * @example
 * ```ts
 * import { randomBytes } from 'node:crypto'
 * import { nodePorts } from '@guestpass/core/node'
 * import { localKeyRing, postgresStore } from '@guestpass/store/postgres'
 *
 * const { clock, random, close } = nodePorts()
 * const keyRing = localKeyRing(randomBytes(32).toString('base64'), { random })
 * const url = 'postgres://guestpass@127.0.0.1:1/guestpass' // in a real program: from the environment
 * try {
 *   const store = await postgresStore({ url, keyRing, clock, random, waitMs: 100 })
 *   console.log(await store.connections())
 *   await store.close()
 * } catch (error) {
 *   console.log(String(error)) // no server is on port 1
 * }
 * await close()
 * ```
 */
export async function postgresStore(options: PostgresStoreOptions): Promise<SealedStore> {
  checkOptions('postgresStore', ['options', options, optionsSchema])
  return openOnPool(options, createPool)
}
