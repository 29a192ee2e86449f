import { sql } from 'kysely'
import { Migrator } from 'kysely/migration'
import type { Db } from '../sql/database.ts'
import { migrations } from '../sql/migrations.ts'
import { newerStore, notAStore } from './faults.ts'

/** `GPST`: marks a file as ours. https://sqlite.org/pragma.html#pragma_application_id */
const APPLICATION_ID = 0x47505354

const ours = migrations({
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
    throw notAStore(path, 'is a database of another program')
  }
  const { rows } = await sql<{ name: string }>`select name from kysely_migration`.execute(db)
  const known = Object.keys(ours)
  const unknown = rows.map(({ name }) => name).filter((name) => !known.includes(name))
  if (unknown.length > 0) throw newerStore(path, unknown)
  return rows.length === known.length
}

/** Brings a store to this version, in one transaction. Of several processes one does it, the others find it done. */
export async function migrate(db: Db): Promise<void> {
  await db.transaction().execute(async (trx) => {
    const migrator = new Migrator({ db: trx, provider: { getMigrations: async () => ours } })
    const { error } = await migrator.migrateToLatest()
    if (error) throw error
    await sql`pragma application_id = ${sql.raw(String(APPLICATION_ID))}`.execute(trx)
  })
}
