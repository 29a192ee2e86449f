import { createHash } from 'node:crypto'
import type { Event } from '@guestpass/core'
import {
  auditRecord,
  type ChainHead,
  type Instant,
  type Link,
  LINK_VERSION,
  linkText,
  type LinkVersion,
  EMPTY_CHAIN,
} from '@guestpass/core/store-kit'
import { type Expression, type RawBuilder, sql, type SqlBool } from 'kysely'
import type { Db, SchemaDialect } from './database.ts'
import { inGroups } from './rows.ts'

/** The number of the chain that all events of a connection are in. */
const CHAIN = EMPTY_CHAIN.chain

/** The head of a chain after an event is added. */
export const nextHead = (head: ChainHead, event: Event, version: LinkVersion = LINK_VERSION): ChainHead => ({
  chain: head.chain,
  count: head.count + 1,
  hash: createHash('sha256')
    .update(linkText(event.connection, head, auditRecord(event), version))
    .digest('hex'),
})

/** A chain head as its row stores it. */
export interface HeadRow extends ChainHead {
  /** When the latest events were added. Never goes back, even if a clock does. */
  readonly at: Instant
}

export const NO_HEAD: HeadRow = { ...EMPTY_CHAIN, at: 0 }

/** Reads the chain heads of some connections. A connection without a row has none. */
export async function readHeads(db: Db, connections: readonly string[]): Promise<Map<string, HeadRow>> {
  const heads = new Map<string, HeadRow>()
  for (const group of inGroups(connections)) {
    const rows = await db
      .selectFrom('chain_heads')
      .selectAll()
      .where('connection', 'in', group)
      .where('chain', '=', CHAIN)
      .execute()
    for (const { connection, ...head } of rows) heads.set(connection, head)
  }
  return heads
}

export async function writeHeads(db: Db, heads: ReadonlyMap<string, HeadRow>): Promise<void> {
  const rows = [...heads].map(([connection, head]) => ({ connection, ...head }))
  for (const group of inGroups(rows)) {
    await db
      .insertInto('chain_heads')
      .values(group)
      .onConflict((conflict) =>
        conflict.columns(['connection', 'chain']).doUpdateSet(({ ref }) => ({
          count: ref('excluded.count'),
          hash: ref('excluded.hash'),
          at: ref('excluded.at'),
        })),
      )
      .execute()
  }
}

export async function chainHead(db: Db, connection: string): Promise<ChainHead> {
  const row = await db
    .selectFrom('chain_heads')
    .select(['chain', 'count', 'hash'])
    .where('connection', '=', connection)
    .where('chain', '=', CHAIN)
    .executeTakeFirst()
  return row ?? EMPTY_CHAIN
}

/** Whether an event has the subject. The index `events_by_subject` is over the same expression. */
export const hasSubject = (member: SchemaDialect['member'], subject: string): RawBuilder<SqlBool> =>
  sql<SqlBool>`${member('body', 'subject')} = ${subject}`

/**
 * The links of a connection after a place, or those before one, the newest first. `isIncluded`: a condition on the
 * rows. Default: all rows.
 */
export async function readLinks(
  db: Db,
  connection: string,
  { after = 0, before, limit }: { readonly after?: number; readonly before?: number; readonly limit: number },
  isIncluded?: Expression<SqlBool>,
): Promise<{ readonly links: readonly Link[]; readonly next?: number }> {
  const query = db
    .selectFrom('events')
    .select(['chain', 'count', 'version', 'hash', 'body'])
    .where('connection', '=', connection)
    .where('chain', '=', CHAIN)
    .where('count', before === undefined ? '>' : '<', before ?? after)
    .orderBy('count', before === undefined ? 'asc' : 'desc')
    .limit(limit + 1)
  const rows = await (isIncluded ? query.where(isIncluded) : query).execute()
  const links = rows.slice(0, limit).map(({ body, ...place }) => ({ ...place, event: parseEvent(body) }))
  const next = rows.length > limit ? links.at(-1)?.count : undefined
  return { links, ...(next === undefined ? {} : { next }) }
}

/** Removes the first links up to a count, at most `limit`. Returns the ids of their events. */
export async function removeLinks(
  db: Db,
  connection: string,
  { through, limit }: { readonly through: number; readonly limit: number },
): Promise<readonly string[]> {
  const first = await db
    .selectFrom('events')
    .select('count')
    .where('connection', '=', connection)
    .where('chain', '=', CHAIN)
    .where('count', '<=', through)
    .orderBy('count')
    .limit(limit)
    .execute()
  const last = first.at(-1)
  if (!last) return []
  const removed = await db
    .deleteFrom('events')
    .where('connection', '=', connection)
    .where('chain', '=', CHAIN)
    .where('count', '<=', last.count)
    .returning('id')
    .execute()
  return removed.map(({ id }) => id)
}

/**
 * The event of a row. If the text differs from what this store writes (a member twice, for example), adds a
 * member that no event has, so that the hash of its record differs. Another JSON reader could read another
 * event from that text.
 */
function parseEvent(body: string): Event {
  const event = JSON.parse(body) as Event
  return JSON.stringify(event) === body ? event : Object.assign(event, { rewritten: true })
}
