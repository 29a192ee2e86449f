import type { Event } from '@guestpass/core'
import { type Instant, LINK_VERSION, type Route } from '@guestpass/core/store-kit'
import type { Insertable } from 'kysely'
import { type HeadRow, readHeads, nextHead, NO_HEAD, writeHeads } from './audit-chain.ts'
import type { Db } from './database.ts'
import { type QueueEntry, enqueueAll } from './outbox.ts'
import { inGroups } from './rows.ts'
import type { Tables } from './schema.ts'
import { transactionState, type RecordedEvent } from './transaction-state.ts'

/** Adds events to the transaction: at its end they are chained and put into the outbox. */
export function recordEvents(db: Db, events: readonly Event[], route: Route): void {
  const recorded = events.map((event) => ({ event, sinks: [...new Set(route(event))] }))
  transactionState(db).events.push(...recorded)
}

interface ChainedEvents {
  readonly rows: readonly Insertable<Tables['events']>[]
  readonly messages: readonly QueueEntry[]
  readonly heads: ReadonlyMap<string, HeadRow>
}

const connectionsOf = (recorded: readonly RecordedEvent[]): readonly string[] =>
  // In one order for all, so that two transactions never hold an end that the other one waits for.
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

/** Adds rows; says which of them are there now, and not since before. */
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

/** Takes away what was added behind the ends. */
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

/** One of each: the same event may be recorded by several changes, as by one that is repeated. */
function distinct(recorded: readonly RecordedEvent[]): readonly RecordedEvent[] {
  const found = new Map<string, RecordedEvent>()
  for (const one of recorded) {
    const name = eventKey(one.event)
    if (!found.has(name)) found.set(name, one)
  }
  return [...found.values()]
}

/**
 * Chains the events of a transaction and puts them into the outbox; one that is stored already is left out. The ends of the
 * chains are looked at last in a transaction, because changes of other processes wait for them.
 */
export async function writeRecordedEvents(db: Db, now: Instant): Promise<void> {
  const recorded = distinct(transactionState(db).events)
  if (recorded.length === 0) return
  const connections = connectionsOf(recorded)
  const ends = await readHeads(db, connections)
  let links = chainEvents(recorded, ends, now)
  const added = await insertRows(db, links.rows)
  if (added.size < links.rows.length) {
    // A stored one left a gap: all of them once more, without it.
    await removeAfter(db, connections, ends)
    links = chainEvents(
      recorded.filter(({ event }) => added.has(eventKey(event))),
      ends,
      now,
    )
    await insertRows(db, links.rows)
  }
  await enqueueAll(db, links.messages)
  await writeHeads(db, links.heads)
}
