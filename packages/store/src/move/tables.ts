import { createHash, type Hash } from 'node:crypto'
import { type Kysely, type RawBuilder, sql } from 'kysely'
import type { Db } from '../sql/database.ts'
import type { Tables } from '../sql/schema.ts'

/** The tables of a store and their keys. Leases are not moved: they end by themselves. */
const movedTables: Readonly<Partial<Record<keyof Tables, readonly string[]>>> = {
  keys: ['id'],
  credentials: ['connection', 'id'],
  profile_keys: ['connection', 'id'],
  documents: ['connection', 'kind', 'id'],
  events: ['connection', 'chain', 'count'],
  chain_heads: ['connection', 'chain'],
  outbox: ['connection', 'sink', 'event'],
  issued: ['connection', 'fingerprint'],
  buckets: ['connection', 'lane'],
  facts: ['connection', 'name'],
}

type Row = Readonly<Record<string, unknown>>

/** Rows of one read and one insert. */
const PAGE = 500

/** The rows of a table, page by page in the order of its key. */
async function* pagesOf(db: Db, table: string, key: readonly string[]): AsyncGenerator<readonly Row[]> {
  const columns = sql.join(key.map((name) => sql.ref(name)))
  for (let after: Row | undefined; ; ) {
    const values = (row: Row): RawBuilder<unknown> => sql.join(key.map((name) => row[name]))
    const beyond = after ? sql`where (${columns}) > (${values(after)})` : sql``
    const page = sql<Row>`select * from ${sql.table(table)} ${beyond} order by ${columns} limit ${PAGE}`
    const { rows } = await page.execute(db)
    if (rows.length > 0) yield rows
    if (rows.length < PAGE) return
    after = rows.at(-1)
  }
}

/** Adds a row to a digest: its columns by name, so that their order in the table does not count. */
function addRow(digest: Hash, row: Row): void {
  const columns = Object.entries(row)
    .toSorted(([one], [other]) => Number(one > other) - Number(one < other))
    .map(([name, value]) => [name, value instanceof Uint8Array ? Buffer.from(value).toString('base64') : value])
  digest.update(`${JSON.stringify(columns)}\n`)
}

/** The rows of a table, counted, and a digest over all of them in the order of their key. */
export interface TableDigest {
  readonly rows: number
  /** SHA-256 in hex. */
  readonly digest: string
}

/** Reads a table. `onPage` gets each page. */
async function digestOf(
  db: Db,
  table: string,
  key: readonly string[],
  onPage: (rows: readonly Row[]) => Promise<void> = async () => {},
): Promise<TableDigest> {
  const digest = createHash('sha256')
  let rows = 0
  for await (const page of pagesOf(db, table, key)) {
    for (const row of page) addRow(digest, row)
    rows += page.length
    await onPage(page)
  }
  return { rows, digest: digest.digest('hex') }
}

/** The first table that has a row; undefined if there is none. */
export async function firstFilledTable(db: Db): Promise<string | undefined> {
  for (const table of Object.keys(movedTables)) {
    const { rows } = await sql`select 1 from ${sql.table(table)} limit 1`.execute(db)
    if (rows.length > 0) return table
  }
  return undefined
}

/**
 * Copies all rows as they are, sealed. Reads each table of the target again, and throws if it differs from the source.
 * `onRows` gets the number of rows of each page.
 */
export async function copyTables(
  from: Db,
  to: Db,
  onRows: (rows: number) => void,
): Promise<Readonly<Record<string, TableDigest>>> {
  const target = to as unknown as Kysely<Record<string, Row>>
  const digests: Record<string, TableDigest> = {}
  for (const [table, key] of Object.entries(movedTables)) {
    const source = await digestOf(from, table, key, async (page) => {
      await target
        .insertInto(table)
        .values([...page])
        .execute()
      onRows(page.length)
    })
    const copy = await digestOf(to, table, key)
    if (copy.digest !== source.digest) throw new Error(`The copy of the table ${table} differs from it.`)
    digests[table] = source
  }
  return digests
}

/** How many rows there are to copy. */
export async function countAll(db: Db): Promise<number> {
  let sum = 0
  for (const table of Object.keys(movedTables)) {
    const { rows } = await sql<{ n: number }>`select count(*) as n from ${sql.table(table)}`.execute(db)
    sum += rows[0]?.n ?? 0
  }
  return sum
}

/** The names of the tables, for a lock. */
export const movedNames: readonly string[] = Object.keys(movedTables)
