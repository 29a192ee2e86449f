import type { SelectQueryBuilder } from 'kysely'
import type { Db } from './database.ts'
import type { Tables } from './schema.ts'

/** How many rows a query finds. Reads no more rows than the limit of the query. */
export async function countRows(db: Db, rows: SelectQueryBuilder<Tables, keyof Tables, object>): Promise<number> {
  const counting = db.selectFrom(rows.as('part')).select(({ fn }) => fn.countAll<number>().as('count'))
  return (await counting.executeTakeFirstOrThrow()).count
}

/**
 * Splits rows into groups whose sizes are powers of four, the largest first. The text of a statement depends
 * on its number of rows, so few sizes mean few prepared statements.
 */
export function* inGroups<T>(rows: readonly T[], most = 64): Generator<readonly T[]> {
  let from = 0
  for (let size = most; size >= 1; size /= 4) {
    for (; rows.length - from >= size; from += size) yield rows.slice(from, from + size)
  }
}
