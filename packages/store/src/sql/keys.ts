import type { KeyShelf } from '../seal/data-keys.ts'
import { bytesOf } from './bytes.ts'
import type { Database } from './database.ts'

/** The data keys of the store, wrapped, in their table. */
export const keyShelf = (database: Database): KeyShelf => ({
  async all() {
    const rows = await database.read((db) =>
      db.selectFrom('keys').selectAll().orderBy('created_at').orderBy('id').execute(),
    )
    return rows.map(({ id, wrapped_by, wrapped }) => ({
      id,
      wrappedBy: wrapped_by,
      bytes: bytesOf(wrapped, `data key "${id}"`),
    }))
  },
  async addFirst({ id, wrappedBy, bytes }) {
    await database.write(async (db) => {
      if (await db.selectFrom('keys').select('id').limit(1).executeTakeFirst()) return
      const row = { id, wrapped_by: wrappedBy, wrapped: bytes, created_at: database.now() }
      await db.insertInto('keys').values(row).execute()
    })
  },
})
