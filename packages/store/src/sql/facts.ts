import type { Db } from './database.ts'

/** The value of a fact; undefined if there is none. */
export async function readFact(db: Db, connection: string, name: string): Promise<unknown> {
  const row = await db
    .selectFrom('facts')
    .select('value')
    .where('connection', '=', connection)
    .where('name', '=', name)
    .executeTakeFirst()
  return row && JSON.parse(row.value)
}

/** Sets a fact. Undefined deletes it. */
export async function writeFact(db: Db, connection: string, name: string, value: unknown): Promise<void> {
  const text = JSON.stringify(value) as string | undefined
  if (text === undefined) {
    await db.deleteFrom('facts').where('connection', '=', connection).where('name', '=', name).execute()
    return
  }
  await db
    .insertInto('facts')
    .values({ connection, name, value: text })
    .onConflict((conflict) => conflict.columns(['connection', 'name']).doUpdateSet({ value: text }))
    .execute()
}
