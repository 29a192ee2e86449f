import { createHash } from 'node:crypto'
import { auditRecord, type ChainHead, type Event, type Link, linkText, NO_LINKS } from '@guestpass/core'
import type { Kysely } from 'kysely'
import type { Db } from './database.ts'
import type { Tables } from './schema.ts'

/** Rows that the migration of old events reads at a time. */
const PAGE = 1_000

/** Where a chain ends when an event is added to it. */
export const linkedTo = (head: ChainHead, event: Event): ChainHead => ({
  count: head.count + 1,
  hash: createHash('sha256')
    .update(linkText(event.connection, head, auditRecord(event)))
    .digest('hex'),
})

export async function chainHead(db: Db, connection: string): Promise<ChainHead> {
  const last = await db
    .selectFrom('events')
    .select(['count', 'hash'])
    .where('connection', '=', connection)
    .orderBy('count', 'desc')
    .limit(1)
    .executeTakeFirst()
  return last ?? NO_LINKS
}

export async function linksAfter(
  db: Db,
  connection: string,
  { after = 0, limit }: { readonly after?: number; readonly limit: number },
): Promise<{ readonly links: readonly Link[]; readonly next?: number }> {
  const rows = await db
    .selectFrom('events')
    .select(['count', 'hash', 'body'])
    .where('connection', '=', connection)
    .where('count', '>', after)
    .orderBy('count')
    .limit(limit + 1)
    .execute()
  const links = rows.slice(0, limit).map(({ count, hash, body }) => ({ count, hash, event: JSON.parse(body) as Event }))
  const next = rows.length > limit ? links.at(-1)?.count : undefined
  return { links, ...(next === undefined ? {} : { next }) }
}

/** Links the events of a store that had no chain yet, each connection's in the order of their commits. */
export async function chained(older: Kysely<unknown>): Promise<void> {
  const db = older as Kysely<Tables>
  const heads = new Map<string, ChainHead>()
  for (let seq = 0; ; ) {
    const rows = await db
      .selectFrom('events')
      .select(['seq', 'body'])
      .where('seq', '>', seq)
      .orderBy('seq')
      .limit(PAGE)
      .execute()
    for (const row of rows) {
      const event = JSON.parse(row.body) as Event
      const head = linkedTo(heads.get(event.connection) ?? NO_LINKS, event)
      heads.set(event.connection, head)
      await db.updateTable('events').set(head).where('seq', '=', row.seq).execute()
      seq = row.seq
    }
    if (rows.length < PAGE) return
  }
}
