import type { DatabaseSync } from 'node:sqlite'
import type { Clock, GuestpassError, Random } from '@guestpass/core'
import * as schemas from '@guestpass/core/options'
import type { Millis, Route } from '@guestpass/core/store-kit'
import { Kysely } from 'kysely'
import { createSealer } from '../seal/sealer.ts'
import { type KeyRing, keyRingSchema } from '../seal/key-ring.ts'
import type { Database, Db } from '../sql/database.ts'
import { createTransactionEnd } from '../sql/transaction-end.ts'
import { createGroupCommit } from '../sql/group-commit.ts'
import { createDataKeyStore } from '../sql/data-key-store.ts'
import type { Tables } from '../sql/schema.ts'
import { type SealedStore, createStoreKeys } from '../sql/store-keys.ts'
import { createSqlStore } from '../sql/store.ts'
import { nodeSqliteDialect, SLICE_MS, retryWhileBusy } from './dialect.ts'
import { isFullDisk, mayBeFullDisk, corruptStoreError, toStoreError } from './errors.ts'
import { restrictFileModes, prepareFile } from './database-file.ts'
import { isCurrent, migrate } from './migrate.ts'
import { loadNodeSqlite } from './node-sqlite.ts'
import { createDiskReserve, tryWrite } from './disk-reserve.ts'
import { createWalScrubber } from './wal-scrubber.ts'

export interface SqliteStoreOptions {
  /** The file; made with its folder when there is none. */
  readonly path: string
  readonly keyRing: KeyRing
  readonly clock: Clock
  readonly random: Random
  /** Which sinks get an event; none by default. */
  readonly route?: Route
  /** How long to wait for a lock of another process, in milliseconds; 5000 by default. Then `store_busy`. */
  readonly busyMs?: Millis
}

const { checkOptions, schema, millis, required, object } = schemas

const optionsSchema = object<SqliteStoreOptions>(
  {
    path: required(
      schema(
        'the path of a file',
        (value) => typeof value === 'string' && value.trim() !== '' && value !== ':memory:',
        "Give one, as './.guestpass/guestpass.db'; a store without a file is memoryStore().",
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

/** Files up to this size are read through at the start: it takes a few milliseconds. Damage in larger ones shows on use. */
const CHECKED_BYTES = 2 ** 21

/** Durable at every commit, nothing overwritten left in the files, no temporary files in clear. */
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
  return { raw, db: new Kysely<Tables>({ dialect: nodeSqliteDialect(raw, busyMs) }) }
}

function checkIntegrity({ raw }: OpenDatabase, path: string): void {
  const { quick_check: verdict } = raw.prepare('pragma quick_check(1)').get() ?? {}
  if (verdict !== 'ok') throw corruptStoreError(path, `is damaged (${String(verdict)})`)
}

/** Looks before it changes anything; then sets up the connection that writes. */
async function openWriter(path: string, busyMs: Millis): Promise<OpenDatabase> {
  const size = await prepareFile(path)
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

/** What was thrown, as an error of the store; a look at the disk tells what SQLite does not say. */
async function diagnose(thrown: unknown, { path, random }: SqliteStoreOptions): Promise<GuestpassError> {
  const full = mayBeFullDisk(thrown)
    ? await tryWrite(path, random).then(
        () => undefined,
        (found: unknown) => (isFullDisk(found) ? found : undefined),
      )
    : undefined
  return toStoreError(full ?? thrown, path)
}

function createDatabase(writer: OpenDatabase, reader: OpenDatabase, options: SqliteStoreOptions): Database {
  const { path, clock, random, busyMs = 5_000 } = options
  const reserve = createDiskReserve(path, random)
  const group = createGroupCommit({
    db: writer.db,
    finish: createTransactionEnd(() => clock.wall()),
    async freeSpace(thrown) {
      if (!isFullDisk(await diagnose(thrown, options))) return false
      // Another process may have given the room back just now: worth another try as well.
      await reserve.release()
      return true
    },
  })
  const inOurWords = async <T>(work: () => Promise<T>): Promise<T> => {
    try {
      return await work()
    } catch (thrown) {
      throw await diagnose(thrown, options)
    }
  }

  const scrubber = createWalScrubber({
    writer: writer.raw,
    read: (work) => retryWhileBusy(busyMs, () => work(reader.db)),
    write: (work) => group.run(work),
    uuid: () => random.uuid(),
    now: () => clock.wall(),
    monotonic: () => clock.monotonic(),
  })

  return {
    now: () => clock.wall(),
    // All who share the file are on one machine.
    leaseNow: () => clock.uptime?.() ?? clock.wall(),
    read: (work) =>
      inOurWords(async () => {
        const value = await retryWhileBusy(busyMs, () => work(reader.db))
        await scrubber.scrub()
        return value
      }),
    write: (work, { scrub = false, urgent = false } = {}) =>
      inOurWords(async () => {
        const marked = async (db: Db) => {
          await scrubber.markErasure(db)
          return work(db)
        }
        const value = await group.run(scrub ? marked : work, urgent)
        await scrubber.scrub(scrub)
        return value
      }),
    tracesSince: () => inOurWords(() => scrubber.pendingSince()),
    ensureRoom: () => inOurWords(() => reserve.ensure()),
    async close() {
      await group.idle()
      // The writer last, because it moves the log into the file.
      if (reader.raw.isOpen) reader.raw.close()
      if (writer.raw.isOpen) writer.raw.close()
    },
  }
}

/**
 * Opens the store in a file, through `node:sqlite`; several processes may have it open. Every commit is on the disk when it
 * resolves. Rejects with `config_invalid` for wrong options, `store_corrupt` (no store, or damaged), `store_newer`, `store_wrong_key`, `store_busy` or
 * `store_unavailable`; the file is then as it was.
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
    const parts = { database, dataKeys, sealer: await createSealer(dataKeys, keyRing, random), keyRing, random, route }
    await restrictFileModes(path)
    return { ...createSqlStore(parts), keys: createStoreKeys(parts) }
  } catch (thrown) {
    for (const { raw } of open.toReversed()) raw.close()
    throw await diagnose(thrown, options)
  }
}
