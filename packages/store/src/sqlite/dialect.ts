import { setImmediate as turn } from 'node:timers/promises'
import type { DatabaseSync, SQLInputValue, StatementSync } from 'node:sqlite'
import {
  CompiledQuery,
  type DatabaseConnection,
  type Dialect,
  SqliteAdapter,
  type SqliteDatabase,
  SqliteDriver,
  SqliteIntrospector,
  SqliteQueryCompiler,
} from 'kysely'
import { isBusy } from './errors.ts'

/** How long one try waits inside SQLite, holding up this process. Between tries everything else gets its turn. */
export const SLICE_MS = 10

/** Runs `work` until the database is free, for `busyMs` at most. */
export async function retryWhileBusy<T>(busyMs: number, work: () => T | Promise<T>): Promise<T> {
  for (let left = Math.ceil(busyMs / SLICE_MS); ; left -= 1) {
    try {
      return await work()
    } catch (thrown) {
      if (!isBusy(thrown) || left <= 0) throw thrown
      await turn()
    }
  }
}

/** Statements are few and used over and over: preparing them once is most of the speed. */
const MAX_PREPARED = 256

/** `node:sqlite` as Kysely wants a database to be. */
function kyselyDatabase(database: DatabaseSync): SqliteDatabase {
  const prepared = new Map<string, ReturnType<SqliteDatabase['prepare']>>()
  const prepare = (text: string): ReturnType<SqliteDatabase['prepare']> => {
    const statement: StatementSync = database.prepare(text)
    const values = (parameters: readonly unknown[]): SQLInputValue[] => [...parameters] as SQLInputValue[]
    return {
      reader: statement.columns().length > 0,
      all: (parameters) => statement.all(...values(parameters)),
      run: (parameters) => statement.run(...values(parameters)),
      iterate: (parameters) => statement.iterate(...values(parameters)) as IterableIterator<unknown>,
    }
  }
  return {
    close: () => database.close(),
    prepare(text) {
      const known = prepared.get(text) ?? prepare(text)
      if (prepared.size >= MAX_PREPARED) prepared.clear()
      prepared.set(text, known)
      return known
    },
  }
}

/** Takes the write lock at the start, so that what a transaction has read is still true when it writes. */
class ImmediateDriver extends SqliteDriver {
  readonly #raw: DatabaseSync
  readonly #busyMs: number

  constructor(raw: DatabaseSync, busyMs: number) {
    super({ database: kyselyDatabase(raw) })
    this.#raw = raw
    this.#busyMs = busyMs
  }

  override async beginTransaction(connection: DatabaseConnection): Promise<void> {
    await retryWhileBusy(this.#busyMs, () => connection.executeQuery(CompiledQuery.raw('begin immediate')))
  }

  /** SQLite rolls back by itself where the disk is full or fails: then the error that says so must not be lost to a second one. */
  override async rollbackTransaction(connection: DatabaseConnection): Promise<void> {
    if (this.#raw.isTransaction) await super.rollbackTransaction(connection)
  }
}

/** SQLite can undo the making of a table; then a failed migration leaves nothing, and two that start at once take turns. */
class TransactionalAdapter extends SqliteAdapter {
  override get supportsTransactionalDdl(): boolean {
    return true
  }
}

export const nodeSqliteDialect = (database: DatabaseSync, busyMs: number): Dialect => ({
  createAdapter: () => new TransactionalAdapter(),
  createDriver: () => new ImmediateDriver(database, busyMs),
  createIntrospector: (db) => new SqliteIntrospector(db),
  createQueryCompiler: () => new SqliteQueryCompiler(),
})
