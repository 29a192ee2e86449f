import type { SelectQueryBuilder } from 'kysely'
import type { Db } from './database.ts'
import type { Tables } from './schema.ts'

/** How many rows a query finds. With a limit it reads no more than so many. */
export async function countRows(db: Db, rows: SelectQueryBuilder<Tables, keyof Tables, object>): Promise<number> {
  const counting = db.selectFrom(rows.as('part')).select(({ fn }) => fn.countAll<number>().as('count'))
  return (await counting.executeTakeFirstOrThrow()).count
}

/**
 * Rows in groups whose sizes are powers of four, the largest first: a statement for many rows has another text for each number of
 * them, and only few texts are kept prepared.
 */
export function* inGroups<T>(rows: readonly T[], most = 64): Generator<readonly T[]> {
  let from = 0
  for (let size = most; size >= 1; size /= 4) {
    for (; rows.length - from >= size; from += size) yield rows.slice(from, from + size)
  }
}
