import type { Event } from '@guestpass/core'
import type { Credential, Instant, KindSize, StoredKind } from '@guestpass/core/store-kit'
import { type SelectQueryBuilder, sql } from 'kysely'
import type { Db, SchemaDialect } from './database.ts'
import { endOfRow } from './ended-guests.ts'
import type { Tables } from './schema.ts'

const kindOfCredential: Readonly<Record<Credential['kind'], StoredKind>> = {
  access: 'access-tokens',
  grant: 'sign-ins',
  guest: 'guests',
}

/** Rows that are read to estimate the bytes of all rows of a kind. */
const SAMPLE = 100

/** Bytes of a row besides its large columns: names, ids, times and the header of the row. */
const SMALL_COLUMNS = 120

/** The bytes of each row of a sample. */
type Sample = SelectQueryBuilder<Tables, keyof Tables, { readonly bytes: number }>

/** The bytes of a row. `columns`: the large columns of its table. */
const bytesOf = (...columns: readonly string[]) => {
  const lengths = columns.map((column) => sql`coalesce(octet_length(${sql.ref(column)}), 0)`)
  return sql<number>`${sql.join([...lengths, sql.lit(SMALL_COLUMNS)], sql` + `)}`.as('bytes')
}

/** The size of a kind. It estimates the bytes of all rows by the mean of the sample. */
async function sizeOf(db: Db, kind: StoredKind, rows: number, sample: Sample): Promise<readonly KindSize[]> {
  if (rows === 0) return []
  const asked = db.selectFrom(sample.limit(SAMPLE).as('sample')).select(({ fn }) => fn.avg('bytes').as('mean'))
  const { mean } = await asked.executeTakeFirstOrThrow()
  return [{ kind, rows, bytes: Math.round(rows * Number(mean)) }]
}

async function sizesOfCredentials(db: Db, connection: string): Promise<readonly KindSize[]> {
  const own = db.selectFrom('credentials').where('connection', '=', connection)
  const counts = await own
    .select(['kind', ({ fn }) => fn.countAll<number>().as('count')])
    .groupBy('kind')
    .execute()
  const sizes = counts.map(({ kind, count }) => {
    const sample = own.where('kind', '=', kind).select(bytesOf('tokens', 'profile', 'body'))
    return sizeOf(db, kindOfCredential[kind], count, sample)
  })
  return (await Promise.all(sizes)).flat()
}

/** Ended guests are among the guests, so that their bytes are not estimated again. */
async function sizesOfEnded(
  db: Db,
  connection: string,
  { member, now }: { readonly member: SchemaDialect['member']; readonly now: Instant },
): Promise<readonly KindSize[]> {
  const end = endOfRow(member)
  const { rows, first } = await db
    .selectFrom('credentials')
    .select(({ fn }) => [fn.countAll<number>().as('rows'), fn.min<Instant | null>(end).as('first')])
    .where('connection', '=', connection)
    .where('kind', '=', sql.lit('guest' as const))
    .where(sql<boolean>`${end} < ${now}`)
    .executeTakeFirstOrThrow()
  return rows === 0 ? [] : [{ kind: 'ended-guests', rows, ...(first === null ? {} : { oldestAt: first }) }]
}

async function sizesOfDocuments(db: Db, connection: string): Promise<readonly KindSize[]> {
  const own = db.selectFrom('documents').where('connection', '=', connection)
  const counts = await own
    .select(['kind', ({ fn }) => fn.countAll<number>().as('count')])
    .groupBy('kind')
    .execute()
  const sizes = counts.map(({ kind, count }) =>
    sizeOf(db, `documents/${kind}`, count, own.where('kind', '=', kind).select(bytesOf('value'))),
  )
  return (await Promise.all(sizes)).flat()
}

/** When an event happened. */
async function timeOf(db: Db, connection: string, count: number): Promise<{ readonly oldestAt?: Instant }> {
  const row = await db
    .selectFrom('events')
    .select('body')
    .where('connection', '=', connection)
    .where('chain', '=', 0)
    .where('count', '=', count)
    .executeTakeFirst()
  return row ? { oldestAt: (JSON.parse(row.body) as Event).at } : {}
}

/** The chain has no gaps, so that the places of its ends give the number of rows. */
async function sizesOfEvents(db: Db, connection: string): Promise<readonly KindSize[]> {
  const own = db.selectFrom('events').where('connection', '=', connection).where('chain', '=', 0)
  const [first] = await own.select('count').orderBy('count').limit(1).execute()
  const [last] = await own.select('count').orderBy('count', 'desc').limit(1).execute()
  if (!first || !last) return []
  const newest = own.orderBy('count', 'desc').select(bytesOf('body', 'hash', 'id'))
  const sizes = await sizeOf(db, 'events', last.count - first.count + 1, newest)
  const oldest = await timeOf(db, connection, first.count)
  return sizes.map((size) => ({ ...size, ...oldest }))
}

async function sizesOfOutbox(db: Db, connection: string): Promise<readonly KindSize[]> {
  const all: KindSize[] = []
  for (const [kind, operator] of [
    ['waiting-events', 'is not'],
    ['dead-letters', 'is'],
  ] as const) {
    const own = db.selectFrom('outbox').where('connection', '=', connection).where('due_at', operator, null)
    const { count, first } = await own
      .select(({ fn }) => [fn.countAll<number>().as('count'), fn.min<number | null>('count').as('first')])
      .executeTakeFirstOrThrow()
    const sizes = await sizeOf(db, kind, count, own.select(bytesOf('why')))
    const oldest = await timeOf(db, connection, first ?? 0)
    all.push(...sizes.map((size) => ({ ...size, ...oldest })))
  }
  return all
}

async function sizesOfIssuedTokens(db: Db, connection: string): Promise<readonly KindSize[]> {
  const own = db.selectFrom('issued').where('connection', '=', connection)
  const { count } = await own.select(({ fn }) => fn.countAll<number>().as('count')).executeTakeFirstOrThrow()
  return sizeOf(db, 'issued-tokens', count, own.select(bytesOf()))
}

/** Counts the rows of each kind that a connection has. */
export async function sizesOfConnection(
  db: Db,
  connection: string,
  at: { readonly member: SchemaDialect['member']; readonly now: Instant },
): Promise<readonly KindSize[]> {
  const parts = [sizesOfCredentials, sizesOfDocuments, sizesOfEvents, sizesOfOutbox, sizesOfIssuedTokens]
  const sizes: KindSize[] = [...(await sizesOfEnded(db, connection, at))]
  for (const part of parts) sizes.push(...(await part(db, connection)))
  return sizes.toSorted((a, b) => (a.kind < b.kind ? -1 : 1))
}
