import type { Clock, Random } from '@guestpass/core'
import { SECOND } from '@guestpass/core/store-kit'
import { sql } from 'kysely'
import { withClient } from '../postgres/clients.ts'
import { clientDb } from '../postgres/dialect.ts'
import { toStoreError as toPostgresError } from '../postgres/errors.ts'
import { migrate as migratePostgres } from '../postgres/migrate.ts'
import { createPool } from '../postgres/pool.ts'
import type { Db } from '../sql/database.ts'
import { createMapErrors } from '../sql/store-errors.ts'
import { kyselyOver, openRaw, removeDatabase } from '../sqlite/database-copy.ts'
import { prepareFile } from '../sqlite/database-file.ts'
import { toStoreError } from '../sqlite/errors.ts'
import { exists } from '../sqlite/files.ts'
import { isCurrent, migrate } from '../sqlite/migrate.ts'
import { movedNames } from './tables.ts'

/** A database: the path of an SQLite file, or the address of PostgreSQL. `shown`: it, without a password. */
export type DatabasePlace =
  | { readonly path: string; readonly shown: string }
  | { readonly url: string; readonly shown: string }

/** One end of a move: a database that no other process changes meanwhile. */
export interface MoveEnd {
  /** Runs work in a transaction that keeps all other writers out. */
  readonly exclusively: <T>(work: (db: Db) => Promise<T>) => Promise<T>
  /** Closes the database. `isFailed`: removes it, if it was made for the move. */
  readonly close: (isFailed: boolean) => Promise<void>
}

const WAIT_MS = 10 * SECOND

/** Opens a database and brings its tables to this version. */
export const openEnd = (place: DatabasePlace, ports: { clock: Clock; random: Random }): Promise<MoveEnd> =>
  'path' in place ? openFile(place.path) : openServer(place.url, place.shown, ports)

async function openFile(path: string): Promise<MoveEnd> {
  const isNew = !(await exists(path))
  await prepareFile(path)
  const raw = openRaw(path, false)
  const db = kyselyOver(raw)
  const mapErrors = createMapErrors((thrown) => toStoreError(thrown, path))
  const close = async (isFailed: boolean): Promise<void> => {
    if (raw.isOpen) raw.close()
    if (isFailed && isNew) await removeDatabase(path)
  }
  try {
    await mapErrors(async () => {
      raw.exec('pragma journal_mode = wal; pragma synchronous = full; pragma secure_delete = on')
      if (!(await isCurrent(db, path))) await migrate(db)
    })
  } catch (thrown) {
    await close(true)
    throw thrown
  }
  return { exclusively: (work) => mapErrors(() => db.transaction().execute(work)), close }
}

async function openServer(url: string, place: string, ports: { clock: Clock; random: Random }): Promise<MoveEnd> {
  // A statement over a whole table may take long.
  const pool = createPool({ url, poolSize: 2, waitMs: WAIT_MS, answerMs: 600 * SECOND, clock: ports.clock })
  const mapErrors = createMapErrors((thrown) => toPostgresError(thrown, place, ports.clock.wall()))
  try {
    await mapErrors(() => migratePostgres({ pool, place, ...ports }, SECOND))
  } catch (thrown) {
    await pool.close()
    throw thrown
  }
  const locked = sql.raw(`lock table ${movedNames.join(', ')} in exclusive mode`)
  return {
    exclusively: (work) =>
      mapErrors(() =>
        withClient(pool, (client) =>
          clientDb(client)
            .transaction()
            .execute(async (transaction) => {
              await sql.raw(`set local lock_timeout = ${WAIT_MS}`).execute(transaction)
              await locked.execute(transaction)
              return work(transaction)
            }),
        ),
      ),
    close: () => pool.close(),
  }
}
