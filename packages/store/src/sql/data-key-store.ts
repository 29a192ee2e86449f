import type { DataKeyStore } from '../seal/data-keys.ts'
import { bytesOf } from './bytes.ts'
import type { Database, Db } from './database.ts'
import { type NewestKey, transactionState } from './transaction-state.ts'

/**
 * The newest data key, read in a transaction. No value may be sealed with an older one. Undefined if there is
 * none.
 */
export function newestKey(db: Db): Promise<NewestKey | undefined> {
  const memory = transactionState(db)
  memory.newestKey ??= db
    .selectFrom('keys')
    .select(['id', 'created_at'])
    .orderBy('created_at', 'desc')
    .orderBy('id', 'desc')
    .limit(1)
    .executeTakeFirst()
  return memory.newestKey
}

/** The wrapped data keys in the table `keys`. */
export const createDataKeyStore = ({ read, write, now }: Pick<Database, 'read' | 'write' | 'now'>): DataKeyStore => ({
  async all() {
    const rows = await read((db) => db.selectFrom('keys').selectAll().orderBy('created_at').orderBy('id').execute())
    return rows.map(({ id, wrapped_by, wrapped }) => ({
      id,
      wrappedBy: wrapped_by,
      bytes: bytesOf(wrapped, `data key "${id}"`),
    }))
  },
  async addAfter(newest, { id, wrappedBy, bytes }) {
    const add = async (db: Db): Promise<void> => {
      const current = await newestKey(db)
      if (current?.id !== newest) return
      // Later than the former key even if the clock went back, because the newest key seals.
      const created_at = Math.max(now(), (current?.created_at ?? 0) + 1)
      await db.insertInto('keys').values({ id, wrapped_by: wrappedBy, wrapped: bytes, created_at }).execute()
      transactionState(db).newestKey = Promise.resolve({ id, created_at })
    }
    await write(add, { addsKey: true })
  },
  async rewrap(before, after) {
    await write((db) =>
      db
        .updateTable('keys')
        .set({ wrapped_by: after.wrappedBy, wrapped: after.bytes })
        .where('id', '=', before.id)
        .where('wrapped', '=', before.bytes)
        .execute(),
    )
  },
})

/** The wrapped data keys of a database that no other process changes meanwhile. */
export const dataKeysIn = (db: Db): DataKeyStore =>
  createDataKeyStore({ read: (work) => work(db), write: (work) => work(db), now: () => 0 })
