import type { Db } from './database.ts'

/**
 * The first connection after `name` that has a row in a table. One step in an index, for any number of rows.
 */
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

/** The names of the connections that have credentials, documents or events, sorted. */
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
