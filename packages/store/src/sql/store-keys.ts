import type { Store } from '@guestpass/core'
import type { Instant } from '@guestpass/core/store-kit'
import type { Database } from './database.ts'
import { type Rotation, type RotationOptions, type RotationParts, rotate } from './key-rotation.ts'
import { sealedColumns } from './sealed-columns.ts'

/** A data key of a store, without the key itself. */
export interface DataKey {
  readonly id: string
  /** The id of the key ring's key that wraps it. */
  readonly wrappedBy: string
  /** When the key was made. */
  readonly createdAt: Instant
  /** How many stored values are sealed with it. */
  readonly values: number
  /** True for the data key that seals new values. */
  readonly current: boolean
}

/** The data keys of a store, and their rotation. */
export interface StoreKeys {
  /** All data keys, oldest first. More than one only if a rotation was not completed. */
  list(): Promise<readonly DataKey[]>
  /**
   * Makes a new data key, wraps it with the first key of the ring, seals every value with it, and removes the
   * old data keys. This and other processes can read and write meanwhile. If the process ends before the
   * rotation is complete, the next call continues it. Rejects with `store_corrupt`, which names the row, if a
   * value does not open. All other values are then sealed again, and the old data keys stay. Rejects with the
   * reason of `signal` if it aborts.
   */
  rotate(options?: RotationOptions): Promise<Rotation>
  /**
   * Reads the data keys again. Rejects with `store_wrong_key` if the key ring lacks the key that wraps one of them,
   * as after a rotation by another process to a key that this one does not have: then it can store nothing.
   */
  check(): Promise<void>
}

/** A store whose tokens, profiles and documents are encrypted with data keys. */
export interface SealedStore extends Store {
  /** Lists and rotates the data keys. */
  readonly keys: StoreKeys
  /** Reads what the server of the database says of itself. Absent if the database is a file. */
  readonly server?: () => Promise<DatabaseServer>
  /**
   * Rejects with `store_unavailable` if the server of the database takes no writes, as a standby. Absent if the
   * database is a file.
   */
  readonly checkWritable?: () => Promise<void>
}

/** What a database server says of itself. */
export interface DatabaseServer {
  readonly version: string
  /** The time of its clock when it answered. */
  readonly time: Instant
  /** The most connections that programs may open, of all databases together. */
  readonly mostConnections: number
  /** The connections that are open now. */
  readonly connections: number
  /** The most connections that this process opens. */
  readonly poolSize: number
  /** False if a power cut may damage the database, because the server does not wait for its disk. */
  readonly isDurable: boolean
  /** Its setting `synchronous_commit`: what it waits for before it acknowledges a commit. */
  readonly synchronousCommit: string
  /** Whether commits wait for a standby: `synchronous_standby_names` is set. */
  readonly hasSynchronousStandby: boolean
  /** Whether a standby repeats what the server writes, synchronous or not. */
  readonly hasStandby: boolean
}

async function listDataKeys({ read }: Database): Promise<readonly DataKey[]> {
  return read(async (db) => {
    const rows = await db.selectFrom('keys').selectAll().orderBy('created_at').orderBy('id').execute()
    const keys: DataKey[] = []
    for (const [at, { id, wrapped_by, created_at }] of rows.entries()) {
      let values = 0
      for (const column of sealedColumns) values += await column.count(db, id)
      keys.push({ id, wrappedBy: wrapped_by, createdAt: created_at, values, current: at === rows.length - 1 })
    }
    return keys
  })
}

export const createStoreKeys = (parts: RotationParts): StoreKeys => ({
  list: () => listDataKeys(parts.database),
  rotate: (options) => rotate(parts, options),
  check: () => parts.sealer.reload(),
})
