import type { Store } from '@guestpass/core'
import type { Instant } from '@guestpass/core/store-kit'
import type { Database } from './database.ts'
import { type Rotation, type RotationOptions, type RotationParts, rotate } from './key-rotation.ts'
import { sealedColumns } from './sealed-columns.ts'

/** A data key of a store. The key itself never leaves it. */
export interface DataKey {
  readonly id: string
  /** The key of the key ring that wraps it. */
  readonly wrappedBy: string
  readonly createdAt: Instant
  /** How many stored values it has sealed. */
  readonly values: number
  /** True for the one that seals now. */
  readonly current: boolean
}

/** The keys that a store seals with. */
export interface StoreKeys {
  /** All of them, oldest first: one, unless a rotation was not brought to its end. */
  list(): Promise<readonly DataKey[]>
  /**
   * Makes a new data key, wrapped by the first key of the ring, seals every value with it and removes the old ones, while this
   * and other processes read and write. When the process ends on the way, the next call goes on from there. Rejects with
   * `store_corrupt`, naming the row, when a value does not open; all others are then done, and the old keys stay.
   */
  rotate(options?: RotationOptions): Promise<Rotation>
}

/** A store that seals what it keeps. */
export interface SealedStore extends Store {
  readonly keys: StoreKeys
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
})
