import type { Db } from './database.ts'

/** The first connection after a name that has a row in a table: one step in an index, however many rows there are. */
async function firstAfter(
  db: Db,
  table: 'credentials' | 'documents' | 'events',
  name: string,
): Promise<string | undefined> {
  const row = await db
    .selectFrom(table)
    .select(({ fn }) => fn.min('connection').as('first'))
    .where('connection', '>', name)
    .executeTakeFirst()
  return row?.first ?? undefined
}

/** The connections that have credentials, documents or events, in order. */
export async function connectionsOf(db: Db): Promise<readonly string[]> {
  const names: string[] = []
  for (let last = ''; ; ) {
    const next: string[] = []
    for (const table of ['credentials', 'documents', 'events'] as const) {
      next.push(...[await firstAfter(db, table, last)].filter((name) => name !== undefined))
    }
    const [first] = next.sort()
    if (first === undefined) return names
    names.push(first)
    last = first
  }
}
