import { type Kysely, sql } from 'kysely'
import { Migrator } from 'kysely/migration'
import { BATCH, CHAIN_HEADS, copyEvents } from '../sql/migrations/chain-heads.ts'
import type { Db } from '../sql/database.ts'
import { LINK_EVENTS } from '../sql/migrations/link-events.ts'
import { migrationsFor } from '../sql/migrations/migrations.ts'
import { newerStoreError, corruptStoreError } from './errors.ts'

/** `GPST`: marks a file as ours. https://sqlite.org/pragma.html#pragma_application_id */
const APPLICATION_ID = 0x47505354

const sqliteMigrations = migrationsFor({
  bytes: 'blob',
  sequence: 'integer',
  member: (column, name) =>
    sql`iif(json_valid(${sql.ref(column)}), json_extract(${sql.ref(column)}, ${sql.lit(`$.${name}`)}), '')`,
})

const count = async (db: Db, query: string): Promise<number> =>
  (await sql<{ n: number }>`${sql.raw(query)}`.execute(db)).rows[0]?.n ?? 0

/** Whether the file is a store of this version. Throws `store_corrupt` or `store_newer` when it is none that we may touch. */
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

/** The migrations that a store has; none where it is empty. */
async function appliedMigrations(db: Db): Promise<readonly string[]> {
  if ((await count(db, 'select count(*) as n from sqlite_master')) === 0) return []
  const { rows } = await sql<{ name: string }>`select name from kysely_migration`.execute(db)
  return rows.map(({ name }) => name)
}

export interface MigrateOptions {
  /** Events that one transaction copies. */
  readonly batch?: number
  /** Called after each transaction but the last. */
  readonly onBatch?: () => void
}

/**
 * Brings a store to this version. What takes long is done in short transactions beforehand, from where an earlier try has come
 * to; until the last one the store is as it was, also for processes of the former version. Of several processes each does a
 * part, or finds it done.
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
