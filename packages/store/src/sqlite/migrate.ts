import { type Kysely, sql } from 'kysely'
import { Migrator } from 'kysely/migration'
import { BATCH, CHAIN_HEADS, copyEvents } from '../sql/migrations/chain-heads.ts'
import type { Db } from '../sql/database.ts'
import { LINK_EVENTS } from '../sql/migrations/link-events.ts'
import { migrationsFor } from '../sql/migrations/migrations.ts'
import { sqliteSchema } from './sqlite-schema.ts'
import { newerStoreError, corruptStoreError } from './errors.ts'

/** `GPST`: identifies a Guestpass store (https://sqlite.org/pragma.html#pragma_application_id). */
const APPLICATION_ID = 0x47505354

const sqliteMigrations = migrationsFor(sqliteSchema)

const count = async (db: Db, query: string): Promise<number> =>
  (await sql<{ n: number }>`${sql.raw(query)}`.execute(db)).rows[0]?.n ?? 0

/**
 * Whether the file is a store of this version; false for an older or empty one. Rejects with `store_corrupt`
 * for another program's database, and with `store_newer` for a newer version.
 */
export async function isCurrent(db: Db, path: string): Promise<boolean> {
  if ((await count(db, 'select count(*) as n from sqlite_master')) === 0) return false
  if ((await count(db, 'select application_id as n from pragma_application_id')) !== APPLICATION_ID) {
    throw corruptStoreError(path, 'is a database of another program')
  }
  const { rows } = await sql<{ name: string }>`select name from kysely_migration`.execute(db)
  const known = Object.keys(sqliteMigrations)
  const unknown = rows.map(({ name }) => name).filter((name) => !known.includes(name))
  if (unknown.length > 0) throw newerStoreError(path, unknown)
  return rows.length === known.length
}

async function runMigrations(db: Db, to: string | undefined): Promise<void> {
  await db.transaction().execute(async (trx) => {
    const migrator = new Migrator({ db: trx, provider: { getMigrations: async () => sqliteMigrations } })
    const { error } = await (to === undefined ? migrator.migrateToLatest() : migrator.migrateTo(to))
    if (error) throw error
    await sql`pragma application_id = ${sql.raw(String(APPLICATION_ID))}`.execute(trx)
  })
}

/** The names of the migrations of a store; none if it is empty. */
async function appliedMigrations(db: Db): Promise<readonly string[]> {
  if ((await count(db, 'select count(*) as n from sqlite_master')) === 0) return []
  const { rows } = await sql<{ name: string }>`select name from kysely_migration`.execute(db)
  return rows.map(({ name }) => name)
}

/** Options of `migrate`. */
interface MigrateOptions {
  /** How many events one transaction copies. Default 2000. */
  readonly batch?: number
  /** Called after each transaction except the last. */
  readonly onBatch?: () => void
}

/**
 * Migrates a store to this version. Copies events in short transactions first, and continues an interrupted
 * copy. Until the last transaction, processes of the former version can use the store. Several processes may
 * migrate at once: each does a part.
 */
export async function migrate(db: Db, { batch = BATCH, onBatch }: MigrateOptions = {}): Promise<void> {
  const before = await appliedMigrations(db)
  if (before.length > 0) {
    if (!before.includes(LINK_EVENTS)) await runMigrations(db, LINK_EVENTS)
    const copiedSome = (): Promise<boolean> =>
      db
        .transaction()
        .execute(
          async (trx) =>
            !(await appliedMigrations(trx)).includes(CHAIN_HEADS) &&
            copyEvents(trx as unknown as Kysely<unknown>, batch),
        )
    while (await copiedSome()) onBatch?.()
  }
  await runMigrations(db, undefined)
}
