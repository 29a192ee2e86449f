import { statSync } from 'node:fs'
import type { DatabaseSync } from 'node:sqlite'
import type { Clock, GuestpassError, Random } from '@guestpass/core'
import * as schemas from '@guestpass/core/options'
import type { Millis, Route } from '@guestpass/core/store-kit'
import { Kysely } from 'kysely'
import { createSealer } from '../seal/sealer.ts'
import { type KeyRing, keyRingSchema } from '../seal/key-ring.ts'
import type { Database, Db } from '../sql/database.ts'
import type { RecordedErasure } from '../sql/commit.ts'
import { createTransactionEnd } from '../sql/transaction-end.ts'
import { createGroupCommit } from '../sql/group-commit.ts'
import { createDataKeyStore } from '../sql/data-key-store.ts'
import type { Tables } from '../sql/schema.ts'
import { createMapErrors } from '../sql/store-errors.ts'
import { type SealedStore, createStoreKeys } from '../sql/store-keys.ts'
import { createSqlStore } from '../sql/store.ts'
import { nodeSqliteDialect, SLICE_MS, retryWhileBusy } from './dialect.ts'
import { isFullDisk, mayBeFullDisk, corruptStoreError, toStoreError } from './errors.ts'
import { forgetErasures, listErasures } from './erasure-list.ts'
import { restrictFileModes, prepareFile } from './database-file.ts'
import { isCurrent, migrate } from './migrate.ts'
import { loadNodeSqlite } from './node-sqlite.ts'
import { sqliteSchema } from './sqlite-schema.ts'
import { createDiskReserve, tryWrite } from './disk-reserve.ts'
import { fileSizes } from './file-sizes.ts'
import { createWalScrubber } from './wal-scrubber.ts'

/** Options of `sqliteStore`. */
export interface SqliteStoreOptions {
  /** The path of the database file. A missing file or folder is created (modes 0600 and 0700). */
  readonly path: string
  /** Wraps the data keys of the store: `(await fileKeyRing(…)).ring`, `localKeyRing(…)` or your own. */
  readonly keyRing: KeyRing
  /** The clock for leases, expiry and due times, such as `nodePorts().clock`. */
  readonly clock: Clock
  /** The source of keys, nonces and ids, such as `nodePorts().random`. */
  readonly random: Random
  /** Names the sinks that get an event. Default: none. */
  readonly route?: Route
  /**
   * How long to wait for a lock of another process, in milliseconds; from 0, default 5000. Then `store_busy`.
   */
  readonly busyMs?: Millis
}

const { checkOptions, schema, millis, required, object } = schemas

const optionsSchema = object<SqliteStoreOptions>(
  {
    path: required(
      schema(
        'the path of a file',
        (value) => typeof value === 'string' && value.trim() !== '' && value !== ':memory:',
        "Give one, such as './.guestpass/guestpass.db'; a store without a file is memoryStore().",
      ),
    ),
    keyRing: required(keyRingSchema),
    clock: required(schemas.clock),
    random: required(schemas.random),
    route: schemas.route,
    busyMs: millis(0),
  },
  { open: true },
)

/**
 * Files up to this size are checked when they are opened, which takes milliseconds. Damage in larger ones
 * shows on use.
 */
const CHECKED_BYTES = 2 ** 21

/** Commits are durable, overwritten data is zeroed, and temporary data stays in memory. */
const WRITER = `
  pragma journal_mode = wal;
  pragma synchronous = full;
  pragma secure_delete = on;
  pragma foreign_keys = on;
  pragma trusted_schema = off;
  pragma temp_store = memory;
`

interface OpenDatabase {
  readonly db: Db
  readonly raw: DatabaseSync
}

function openDatabase(path: string, busyMs: Millis, readOnly: boolean): OpenDatabase {
  const { DatabaseSync } = loadNodeSqlite()
  const raw = new DatabaseSync(path, { timeout: SLICE_MS, readOnly })
  return { raw, db: new Kysely<Tables>({ dialect: nodeSqliteDialect(raw, busyMs, readOnly) }) }
}

function checkIntegrity({ raw }: OpenDatabase, path: string): void {
  const { quick_check: verdict } = raw.prepare('pragma quick_check(1)').get() ?? {}
  if (verdict !== 'ok') throw corruptStoreError(path, `is damaged (${String(verdict)})`)
}

/** The file at a path. A restore puts another one there. */
const fileAt = (path: string): bigint | undefined => statSync(path, { bigint: true, throwIfNoEntry: false })?.ino

/** Opens the connection that writes, on the file that the path names when it is open. */
async function openWriter(path: string, busyMs: Millis): Promise<OpenDatabase> {
  for (;;) {
    const size = await prepareFile(path)
    const file = fileAt(path)
    const writer = await openFile(path, size, busyMs)
    // While a connection is open, no restore replaces its file.
    if (fileAt(path) === file) return writer
    writer.raw.close()
  }
}

/** Checks the file before it changes anything. Then opens and migrates it. */
async function openFile(path: string, size: number, busyMs: Millis): Promise<OpenDatabase> {
  const writer = openDatabase(path, busyMs, false)
  try {
    const current = await retryWhileBusy(busyMs, async () => {
      if (size > 0 && size <= CHECKED_BYTES) checkIntegrity(writer, path)
      return isCurrent(writer.db, path)
    })
    await retryWhileBusy(busyMs, () => writer.raw.exec(WRITER))
    if (!current) await migrate(writer.db)
    return writer
  } catch (thrown) {
    writer.raw.close()
    throw thrown
  }
}

/** Maps an error to a store error. A test write finds a full disk that SQLite does not report. */
async function diagnose(thrown: unknown, { path, random }: SqliteStoreOptions): Promise<GuestpassError> {
  const full = mayBeFullDisk(thrown)
    ? await tryWrite(path, random).then(
        () => undefined,
        (found: unknown) => (isFullDisk(found) ? found : undefined),
      )
    : undefined
  return toStoreError(full ?? thrown, path)
}

/**
 * Runs a transaction. One that may be lost does not wait for the disk: it is in the log, which a kill of the process
 * leaves, and the next durable commit writes the log to the disk.
 */
async function transact<T>({ raw, db }: OpenDatabase, work: (db: Db) => Promise<T>, mayBeLost: boolean): Promise<T> {
  if (!mayBeLost) return db.transaction().execute(work)
  raw.exec('pragma synchronous = normal')
  try {
    return await db.transaction().execute(work)
  } finally {
    raw.exec('pragma synchronous = full')
  }
}

function createDatabase(writer: OpenDatabase, reader: OpenDatabase, options: SqliteStoreOptions): Database {
  const { path, clock, random, busyMs = 5_000 } = options
  const reserve = createDiskReserve(path, random)
  const group = createGroupCommit({
    transact: (work, _jobs, _left, mayBeLost) => transact(writer, work, mayBeLost),
    finish: createTransactionEnd(() => clock.wall()),
    async freeSpace(thrown) {
      if (!isFullDisk(await diagnose(thrown, options))) return false
      // Another process may have released the reserve already, so a second try is worthwhile in any case.
      await reserve.release()
      return true
    },
  })
  const mapErrors = createMapErrors((thrown) => diagnose(thrown, options))
  const scrubber = createWalScrubber({
    writer: writer.raw,
    read: (work) => retryWhileBusy(busyMs, () => work(reader.db)),
    write: (work) => group.run(work),
    uuid: () => random.uuid(),
    now: () => clock.wall(),
    monotonic: () => clock.monotonic(),
  })

  return {
    member: sqliteSchema.member,
    now: () => clock.wall(),
    // All processes that share the file run on one machine.
    leaseNow: () => clock.uptime?.() ?? clock.wall(),
    read: (work) =>
      mapErrors(async () => {
        const value = await retryWhileBusy(busyMs, () => work(reader.db))
        await scrubber.scrub()
        return value
      }),
    write: (work, { scrub = false, urgent = false, mayBeLost = false } = {}) =>
      mapErrors(async () => {
        const marked = async (db: Db) => {
          await scrubber.markErasure(db)
          return work(db)
        }
        const value = await group.run(scrub ? marked : work, { urgent, mayBeLost: mayBeLost && !scrub })
        await scrubber.scrub(scrub)
        return value
      }),
    tracesSince: () => mapErrors(() => scrubber.pendingSince()),
    fileSizes: () => mapErrors(() => retryWhileBusy(busyMs, () => fileSizes(reader.raw, path))),
    ensureRoom: () => mapErrors(() => reserve.ensure()),
    async close() {
      await group.idle()
      // The writer last, because it copies the log into the database.
      if (reader.raw.isOpen) reader.raw.close()
      if (writer.raw.isOpen) writer.raw.close()
    },
  }
}

/**
 * Opens a durable store in an SQLite file, through `node:sqlite`. Creates or migrates the file if needed.
 * Several processes of one machine can share it. A commit is on the disk when it resolves, except a change that
 * may be lost, which a later commit brings there. Tokens, profiles and documents are encrypted.
 *
 * @param options `path`, `keyRing`, `clock` and `random`; optionally `route` and `busyMs`.
 * @returns The store, and `keys` to list and rotate its data keys. Close it before the process ends.
 * @throws In each case the file stays as it was: `config_invalid` for a wrong option; `store_corrupt` if the
 *   file is damaged or not a Guestpass store; `store_newer` if a newer version wrote it; `store_wrong_key` if
 *   the key ring lacks its key; `store_busy` if another process locks it for longer than `busyMs`;
 *   `store_unavailable` if it cannot be opened.
 * @example
 * ```ts
 * import { randomBytes } from 'node:crypto'
 * import { mkdtemp, rm } from 'node:fs/promises'
 * import { tmpdir } from 'node:os'
 * import { join } from 'node:path'
 * import { nodePorts } from '@guestpass/core/node'
 * import { localKeyRing, sqliteStore } from '@guestpass/store/sqlite'
 *
 * const folder = await mkdtemp(join(tmpdir(), 'guestpass-'))
 * const { clock, random, close } = nodePorts()
 * const keyRing = localKeyRing(randomBytes(32).toString('base64'), { random })
 * const store = await sqliteStore({ path: join(folder, 'guestpass.db'), keyRing, clock, random })
 * console.log(`${(await store.keys.list()).length} data key`)
 * await store.close()
 * await close()
 * await rm(folder, { recursive: true })
 * ```
 */
export async function sqliteStore(options: SqliteStoreOptions): Promise<SealedStore> {
  checkOptions('sqliteStore', ['options', options, optionsSchema])
  const { path, keyRing, random, route = () => [], busyMs = 5_000 } = options
  const open: OpenDatabase[] = []
  try {
    const writer = await openWriter(path, busyMs)
    open.push(writer)
    const reader = await retryWhileBusy(busyMs, () => openDatabase(path, busyMs, true))
    open.push(reader)
    const database = createDatabase(writer, reader, options)
    const dataKeys = createDataKeyStore(database)
    const sealer = await createSealer(dataKeys, keyRing, random)
    const list = (erasures: readonly RecordedErasure[]): Promise<void> => listErasures(path, erasures)
    const parts = { database, dataKeys, sealer, keyRing, random, route, listErasures: list }
    await restrictFileModes(path)
    return {
      ...createSqlStore(parts),
      forgetErasures: (connection, before) => forgetErasures(path, connection, before),
      keys: createStoreKeys(parts),
    }
  } catch (thrown) {
    for (const { raw } of open.toReversed()) raw.close()
    throw await diagnose(thrown, options)
  }
}
