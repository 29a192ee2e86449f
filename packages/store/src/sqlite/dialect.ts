import { setImmediate as turn } from 'node:timers/promises'
import type { DatabaseSync, SQLInputValue, StatementSync } from 'node:sqlite'
import {
  CompiledQuery,
  type DatabaseConnection,
  type Dialect,
  type SelectQueryNode,
  SqliteAdapter,
  type SqliteDatabase,
  SqliteDriver,
  SqliteIntrospector,
  SqliteQueryCompiler,
} from 'kysely'
import { isBusy } from './errors.ts'

/** How long one try blocks this process inside SQLite, in milliseconds. Between tries, other work can run. */
export const SLICE_MS = 10

/** Runs `work` again while the database is locked, for at most `busyMs` milliseconds. */
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

/** The most prepared statements to cache. Preparing takes longer than most statements run. */
const MAX_PREPARED = 256

/** Adapts `node:sqlite` to the database interface of Kysely. */
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

/**
 * Takes the write lock at the start of a transaction, so that no other write comes between its reads and
 * writes.
 */
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

  /**
   * SQLite itself rolls back if the disk is full or fails. A second rollback would throw and hide that error.
   */
  override async rollbackTransaction(connection: DatabaseConnection): Promise<void> {
    if (this.#raw.isTransaction) await super.rollbackTransaction(connection)
  }
}

/**
 * Leaves out `for update` and the like, which SQLite does not know: a transaction has the write lock from its
 * start.
 */
class LocklessQueryCompiler extends SqliteQueryCompiler {
  protected override visitSelectQuery({ endModifiers: _locks, ...node }: SelectQueryNode): void {
    super.visitSelectQuery(node)
  }
}

/**
 * SQLite can roll back schema changes, so a failed migration leaves nothing, and two migrations run one after
 * another.
 */
class TransactionalAdapter extends SqliteAdapter {
  override get supportsTransactionalDdl(): boolean {
    return true
  }
}

/**
 * For a connection that only reads, each statement on its own. None of them waits for another: Kysely would wake
 * all waiters after each statement, so that the time of a rush would grow with the square of its size.
 */
class ReadOnlyAdapter extends SqliteAdapter {
  override get supportsMultipleConnections(): boolean {
    return true
  }
}

/**
 * The Kysely dialect for `node:sqlite`. `busyMs`: how long a transaction waits for the write lock. `isReadOnly`:
 * the connection has no transactions.
 */
export const nodeSqliteDialect = (database: DatabaseSync, busyMs: number, isReadOnly = false): Dialect => ({
  createAdapter: () => (isReadOnly ? new ReadOnlyAdapter() : new TransactionalAdapter()),
  createDriver: () => new ImmediateDriver(database, busyMs),
  createIntrospector: (db) => new SqliteIntrospector(db),
  createQueryCompiler: () => new LocklessQueryCompiler(),
})
