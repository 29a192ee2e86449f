import type { Instant, StoreSizes } from '@guestpass/core/store-kit'
import type { Kysely, RawBuilder } from 'kysely'
import type { Tables } from './schema.ts'

/** A database for queries, inside or outside a transaction. */
export type Db = Kysely<Tables>

/** Options of a write. */
export interface WriteOptions {
  /** The name of the only connection whose rows the write changes. Writes of other connections do not wait for it. */
  readonly connection?: string
  /** The first row that the write locks. Writes that share a transaction run in this order. */
  readonly order?: string
  /** No statement of another write may run between its own: it has a savepoint. Default false. */
  readonly isolated?: boolean
  /**
   * The write adds a data key. It waits for all that may still write values sealed with the newest one, and keeps new
   * ones out until its end. Default false.
   */
  readonly addsKey?: boolean
  /** The write may be lost if the server or the machine fails, such as a lease. Default false. */
  readonly mayBeLost?: boolean
  /** Removes overwritten data from all files of the database after the write. Default false. */
  readonly scrub?: boolean
  /** Lets the write use the space that `ensureRoom` reserved. Default false. */
  readonly urgent?: boolean
}

/** What the store needs of a database. Each kind of database has its own folder. */
export interface Database {
  /** Runs statements that only read. */
  readonly read: <T>(work: (db: Db) => Promise<T>) => Promise<T>
  /**
   * Runs statements in a transaction, which other calls may share. Resolves when the transaction is durable.
   * If `work` throws, the transaction keeps nothing of it. `work` may run more than once.
   */
  readonly write: <T>(work: (db: Db) => Promise<T>, options?: WriteOptions) => Promise<T>
  /** Reserves space for one more urgent write. Rejects with `store_unavailable` if there is none. */
  readonly ensureRoom: () => Promise<void>
  /** A text member of a column of JSON objects, as `SchemaDialect` defines it. */
  readonly member: SchemaDialect['member']
  /** Since when the files may hold erased data; undefined if they hold none. */
  readonly tracesSince: () => Promise<Instant | undefined>
  /** How many bytes the files have, and how many of them are free. Empty if that is unknown. */
  readonly fileSizes: () => Promise<Pick<StoreSizes, 'fileBytes' | 'freeBytes'>>
  /** The wall clock, in milliseconds since 1970. */
  readonly now: () => Instant
  /**
   * The clock of leases, in milliseconds. All processes that share the database read the same time, even if
   * their wall clocks differ. It is compared only with itself.
   */
  readonly leaseNow: () => Instant
  readonly close: () => Promise<void>
}

/** The column types and expressions that differ between databases. */
export interface SchemaDialect {
  readonly bytes: 'blob' | 'bytea'
  /** A text member of a column of JSON objects; empty if the JSON is damaged. */
  readonly member: (column: string, name: string) => RawBuilder<string>
}
