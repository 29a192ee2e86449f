import type { Random } from '@guestpass/core'
import { systemClock, systemRandom } from '@guestpass/core/runtime-kit'
import type { Instant, Route } from '@guestpass/core/store-kit'
import { openOnPool } from '../../src/postgres/postgres-store.ts'
import { createPool, type PgPool, type PoolOptions } from '../../src/postgres/pool.ts'
import type { Migrations } from '../../src/postgres/migrate.ts'
import { tableNames } from '../../src/postgres/first-migration.ts'
import type { SealedStore } from '../../src/postgres/index.ts'
import { ring } from './open-store.ts'

/** How a test opens a store. */
export interface OpenOptions {
  readonly url: string
  readonly time?: () => Instant
  readonly route?: Route
  readonly random?: Random
  readonly waitMs?: number
  readonly poolSize?: number
  readonly idleMs?: number
  readonly makePool?: (options: PoolOptions) => PgPool
  /** Those of another version. */
  readonly migrations?: Migrations
}

/** Opens a store with the key of the tests. */
export const openPostgres = ({ makePool = createPool, migrations, ...options }: OpenOptions): Promise<SealedStore> =>
  openOnPool(
    { keyRing: ring(), clock: systemClock(), random: systemRandom(), poolSize: 4, ...options },
    makePool,
    migrations,
  )

/** Makes pools that share the connections of `pool`, so that each test need not connect. */
export const sharing =
  (pool: PgPool): (() => PgPool) =>
  () => ({ connect: () => pool.connect(), close: async () => {} })

/** A pool that records its statements. */
export const recording = (pool: PgPool, statements: Set<string>): PgPool => ({
  ...pool,
  async connect() {
    const client = await pool.connect()
    return {
      ...client,
      query(text, values) {
        statements.add(text)
        return client.query(text, values)
      },
    }
  },
})

/** The pool of a test file. Close it after the tests. */
export const filePool = (url: string): PgPool =>
  createPool({ url, poolSize: 8, waitMs: 10_000, answerMs: 12_000, clock: systemClock() })

const DATA = tableNames.filter((name) => name !== 'store_state' && name !== 'keys')

/** Empties the tables of a store, except its state and keys. Few rows are deleted faster than files are replaced. */
export async function emptyTables(pool: PgPool): Promise<void> {
  const client = await pool.connect()
  await client.query(DATA.map((name) => `delete from ${name}`).join('; '))
  client.release(false)
}
