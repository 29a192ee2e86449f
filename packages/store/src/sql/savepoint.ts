import { sql } from 'kysely'
import type { Db } from './database.ts'

/** Runs a part of a transaction, and undoes it if the result is `conflict`. */
export async function rollBackOnConflict<T>(db: Db, work: () => Promise<T | 'conflict'>): Promise<T | 'conflict'> {
  await sql`savepoint change`.execute(db)
  const outcome = await work()
  if (outcome === 'conflict') await sql`rollback to savepoint change`.execute(db)
  await sql`release savepoint change`.execute(db)
  return outcome
}
