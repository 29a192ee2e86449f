import type { Instant } from '@guestpass/core/store-kit'
import type { Kysely, RawBuilder } from 'kysely'
import type { Tables } from './schema.ts'

/** A database as the queries see it, inside a transaction or out of it. */
export type Db = Kysely<Tables>

export interface WriteOptions {
  readonly scrub?: boolean
  readonly urgent?: boolean
}

/** What one kind of database offers to the store: each kind has its own folder. */
export interface Database {
  /** Runs statements that only read. */
  readonly read: <T>(work: (db: Db) => Promise<T>) => Promise<T>
  /**
   * Runs statements in a transaction, which others may share. Resolves when it is on the disk; when `work` throws, nothing of it
   * stays. `work` may run more than once. `scrub`: what was overwritten leaves no trace in the files either. `urgent`: it may use
   * the room that `ensureRoom` keeps.
   */
  readonly write: <T>(work: (db: Db) => Promise<T>, options?: WriteOptions) => Promise<T>
  /** Keeps room for one more urgent write. Rejects with `store_unavailable` when there is none. */
  readonly ensureRoom: () => Promise<void>
  /** Since when the files may hold traces of what was erased; undefined when they do not. */
  readonly tracesSince: () => Promise<Instant | undefined>
  readonly now: () => Instant
  /**
   * The time by which leases end, in milliseconds: of a clock that all who share the database read alike, whatever their wall clocks
   * say. It is compared with itself only.
   */
  readonly leaseNow: () => Instant
  readonly close: () => Promise<void>
}

/** How a kind of database spells what the migrations need. */
export interface SchemaDialect {
  readonly bytes: 'blob' | 'bytea'
  readonly sequence: 'integer' | 'bigserial'
  /** A text member of a column that holds a JSON object; empty where it is damaged. */
  readonly member: (column: string, name: string) => RawBuilder<string>
}
