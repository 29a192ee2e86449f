import {
  type CompiledQuery,
  type DatabaseConnection,
  type Dialect,
  type Driver,
  Kysely,
  PostgresIntrospector,
  PostgresQueryCompiler,
  type QueryResult,
} from 'kysely'
import type { Db } from '../sql/database.ts'
import type { Tables } from '../sql/schema.ts'
import { LeaseAdapter, type MigrationLease } from './migration-lease.ts'
import type { PgClient } from './pool.ts'

const CHANGES: ReadonlySet<string> = new Set(['INSERT', 'UPDATE', 'DELETE', 'MERGE'])

/** A connection of Kysely over a client of the pool. */
function connectionOver(client: PgClient): DatabaseConnection {
  return {
    async executeQuery<R>({ sql, parameters }: CompiledQuery): Promise<QueryResult<R>> {
      const { command, rowCount, rows } = await client.query(sql, parameters)
      return {
        rows: [...(rows as R[])],
        ...(CHANGES.has(command) ? { numAffectedRows: BigInt(rowCount ?? 0) } : {}),
      }
    },
    streamQuery: () => {
      throw new Error('The store does not stream.')
    },
  }
}

/** Runs everything on one client. The caller of `clientDb` gives the client back to the pool. */
function createClientDriver(client: PgClient): Driver {
  const connection = connectionOver(client)
  const run = (text: string) => async (): Promise<void> => void (await client.query(text))
  return {
    init: async () => {},
    acquireConnection: async () => connection,
    beginTransaction: run('begin'),
    commitTransaction: run('commit'),
    rollbackTransaction: run('rollback'),
    releaseConnection: async () => {},
    destroy: async () => {},
  }
}

const dialectOver = (client: PgClient, lease?: MigrationLease): Dialect => ({
  createAdapter: () => new LeaseAdapter(lease),
  createDriver: () => createClientDriver(client),
  createIntrospector: (db) => new PostgresIntrospector(db),
  createQueryCompiler: () => new PostgresQueryCompiler(),
})

/** A database for queries on one client of the pool. */
export const clientDb = (client: PgClient): Db => new Kysely<Tables>({ dialect: dialectOver(client) })

/** A database for migrations on one client of the pool, under a lease. */
export const migrationDb = (client: PgClient, lease: MigrationLease): Kysely<unknown> =>
  new Kysely<unknown>({ dialect: dialectOver(client, lease) })
