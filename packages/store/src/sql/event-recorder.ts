import type { Event } from '@guestpass/core'
import { type Instant, LINK_VERSION, type Route } from '@guestpass/core/store-kit'
import type { Insertable } from 'kysely'
import { type HeadRow, nextHead, NO_HEAD, readHeads, writeHeads } from './audit-chain.ts'
import type { Db } from './database.ts'
import { type QueueEntry, enqueueAll } from './outbox.ts'
import { inGroups } from './rows.ts'
import type { Tables } from './schema.ts'
import { transactionState, type RecordedEvent } from './transaction-state.ts'

/** Records events of a change. The end of the transaction adds them to the chain and to the outbox. */
export function recordEvents(db: Db, events: readonly Event[], route: Route): void {
  const recorded = events.map((event) => ({ event, sinks: [...new Set(route(event))] }))
  transactionState(db).events.push(...recorded)
}

interface ChainedEvents {
  readonly rows: readonly Insertable<Tables['events']>[]
  readonly messages: readonly QueueEntry[]
  readonly heads: ReadonlyMap<string, HeadRow>
}

export const sortedConnections = (recorded: readonly RecordedEvent[]): readonly string[] =>
  // Sorted, so that two transactions lock chain heads in the same order and cannot deadlock.
  [...new Set(recorded.map(({ event }) => event.connection))].sort()

function chainEvents(
  recorded: readonly RecordedEvent[],
  ends: ReadonlyMap<string, HeadRow>,
  now: Instant,
): ChainedEvents {
  const heads = new Map(ends)
  const rows: Insertable<Tables['events']>[] = []
  const messages: QueueEntry[] = []
  for (const { event, sinks } of recorded) {
    const { connection, id } = event
    const before = heads.get(connection) ?? NO_HEAD
    const head = { ...nextHead(before, event), at: Math.max(now, before.at) }
    heads.set(connection, head)
    const { chain, count, hash, at } = head
    rows.push({ connection, chain, count, version: LINK_VERSION, hash, id, body: JSON.stringify(event) })
    for (const sink of sinks) messages.push({ sink, connection, event: id, chain, count, queued_at: at })
  }
  return { rows, messages, heads }
}

/** Inserts rows, except those that are stored already. Returns the keys of the inserted ones. */
async function insertRows(db: Db, rows: ChainedEvents['rows']): Promise<ReadonlySet<string>> {
  const names: string[] = []
  for (const group of inGroups(rows)) {
    const added = await db
      .insertInto('events')
      .values(group)
      .onConflict((conflict) => conflict.columns(['connection', 'id']).doNothing())
      .returning(['connection', 'id'])
      .execute()
    names.push(...added.map(eventKey))
  }
  return new Set(names)
}

const eventKey = ({ connection, id }: { readonly connection: string; readonly id: string }): string =>
  `${connection.length}:${connection}${id}`

/** Deletes the rows after the former heads. */
async function removeAfter(db: Db, connections: readonly string[], ends: ReadonlyMap<string, HeadRow>): Promise<void> {
  for (const connection of connections) {
    const { chain, count } = ends.get(connection) ?? NO_HEAD
    await db
      .deleteFrom('events')
      .where('connection', '=', connection)
      .where('chain', '=', chain)
      .where('count', '>', count)
      .execute()
  }
}

/** Each event once: a repeated change records the same event again. */
export function distinct(recorded: readonly RecordedEvent[]): readonly RecordedEvent[] {
  const found = new Map<string, RecordedEvent>()
  for (const one of recorded) {
    const name = eventKey(one.event)
    if (!found.has(name)) found.set(name, one)
  }
  return [...found.values()]
}

/**
 * Adds the recorded events of a transaction to their chains and to the outbox, except those that are stored
 * already. For a database with one writer: no other transaction moves the heads meanwhile.
 */
export async function writeRecordedEvents(db: Db, now: Instant): Promise<void> {
  const recorded = distinct(transactionState(db).events)
  if (recorded.length === 0) return
  const connections = sortedConnections(recorded)
  const ends = await readHeads(db, connections)
  let links = chainEvents(recorded, ends, now)
  const added = await insertRows(db, links.rows)
  await writeHeads(db, links.heads)
  if (added.size < links.rows.length) {
    // A stored event left a gap in the chain. All events are added again, without it.
    await removeAfter(db, connections, ends)
    links = chainEvents(
      recorded.filter(({ event }) => added.has(eventKey(event))),
      ends,
      now,
    )
    await insertRows(db, links.rows)
    await writeHeads(db, links.heads)
  }
  await enqueueAll(db, links.messages)
}
