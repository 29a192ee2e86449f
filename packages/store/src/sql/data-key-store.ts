import type { DataKeyStore } from '../seal/data-keys.ts'
import { bytesOf } from './bytes.ts'
import type { Database, Db } from './database.ts'
import { transactionState, type TransactionState } from './transaction-state.ts'

/** Inside a transaction, the data key that was made last: nothing may be sealed with another one. Undefined where there is none. */
export async function newestKey(db: Db): Promise<TransactionState['newestKey']> {
  const memory = transactionState(db)
  const newest =
    memory.newestKey ??
    (await db
      .selectFrom('keys')
      .select(['id', 'created_at'])
      .orderBy('created_at', 'desc')
      .orderBy('id', 'desc')
      .limit(1)
      .executeTakeFirst())
  if (newest) memory.newestKey = newest
  return newest
}

/** The data keys of the store, wrapped, in their table. */
export const createDataKeyStore = ({ read, write, now }: Database): DataKeyStore => ({
  async all() {
    const rows = await read((db) => db.selectFrom('keys').selectAll().orderBy('created_at').orderBy('id').execute())
    return rows.map(({ id, wrapped_by, wrapped }) => ({
      id,
      wrappedBy: wrapped_by,
      bytes: bytesOf(wrapped, `data key "${id}"`),
    }))
  },
  async addAfter(newest, { id, wrappedBy, bytes }) {
    await write(async (db) => {
      const stands = await newestKey(db)
      if (stands?.id !== newest) return
      // Later than the one before it also where the clock went back: the order says which one seals.
      const created_at = Math.max(now(), (stands?.created_at ?? 0) + 1)
      await db.insertInto('keys').values({ id, wrapped_by: wrappedBy, wrapped: bytes, created_at }).execute()
      transactionState(db).newestKey = { id, created_at }
    })
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
