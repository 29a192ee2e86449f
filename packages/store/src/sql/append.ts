import type { Event } from '@guestpass/core'
import { type Instant, LINK_VERSION, type Route } from '@guestpass/core/store-kit'
import type { Insertable } from 'kysely'
import { type HeadRow, headsOf, linkedTo, NO_HEAD, putHeads } from './chain.ts'
import type { Db } from './database.ts'
import { type QueueEntry, enqueueAll } from './outbox.ts'
import { inGroups } from './rows.ts'
import type { Tables } from './schema.ts'
import { memoryOf, type Recorded } from './transaction-memory.ts'

/** Adds events to the transaction: at its end they are chained and put into the outbox. */
export function append(db: Db, events: readonly Event[], route: Route): void {
  const recorded = events.map((event) => ({ event, sinks: [...new Set(route(event))] }))
  memoryOf(db).events.push(...recorded)
}

interface Chained {
  readonly rows: readonly Insertable<Tables['events']>[]
  readonly messages: readonly QueueEntry[]
  readonly heads: ReadonlyMap<string, HeadRow>
}

const connectionsOf = (recorded: readonly Recorded[]): readonly string[] =>
  // In one order for all, so that two transactions never hold an end that the other one waits for.
  [...new Set(recorded.map(({ event }) => event.connection))].sort()

function chained(recorded: readonly Recorded[], ends: ReadonlyMap<string, HeadRow>, now: Instant): Chained {
  const heads = new Map(ends)
  const rows: Insertable<Tables['events']>[] = []
  const messages: QueueEntry[] = []
  for (const { event, sinks } of recorded) {
    const { connection, id } = event
    const before = heads.get(connection) ?? NO_HEAD
    const head = { ...linkedTo(before, event), at: Math.max(now, before.at) }
    heads.set(connection, head)
    const { chain, count, hash, at } = head
    rows.push({ connection, chain, count, version: LINK_VERSION, hash, id, body: JSON.stringify(event) })
    for (const sink of sinks) messages.push({ sink, connection, event: id, chain, count, queued_at: at })
  }
  return { rows, messages, heads }
}

/** Adds rows; says which of them are there now, and not since before. */
async function inserted(db: Db, rows: Chained['rows']): Promise<ReadonlySet<string>> {
  const names: string[] = []
  for (const group of inGroups(rows)) {
    const added = await db
      .insertInto('events')
      .values(group)
      .onConflict((conflict) => conflict.columns(['connection', 'id']).doNothing())
      .returning(['connection', 'id'])
      .execute()
    names.push(...added.map(nameOf))
  }
  return new Set(names)
}

const nameOf = ({ connection, id }: { readonly connection: string; readonly id: string }): string =>
  `${connection.length}:${connection}${id}`

/** Takes away what was added behind the ends. */
async function removed(db: Db, connections: readonly string[], ends: ReadonlyMap<string, HeadRow>): Promise<void> {
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
function distinct(recorded: readonly Recorded[]): readonly Recorded[] {
  const found = new Map<string, Recorded>()
  for (const one of recorded) {
    const name = nameOf(one.event)
    if (!found.has(name)) found.set(name, one)
  }
  return [...found.values()]
}

/**
 * Chains the events of a transaction and puts them into the outbox; one that is stored already is left out. The ends of the
 * chains are looked at last in a transaction, because changes of other processes wait for them.
 */
export async function flush(db: Db, now: Instant): Promise<void> {
  const recorded = distinct(memoryOf(db).events)
  if (recorded.length === 0) return
  const connections = connectionsOf(recorded)
  const ends = await headsOf(db, connections)
  let links = chained(recorded, ends, now)
  const added = await inserted(db, links.rows)
  if (added.size < links.rows.length) {
    // A stored one left a gap: all of them once more, without it.
    await removed(db, connections, ends)
    links = chained(
      recorded.filter(({ event }) => added.has(nameOf(event))),
      ends,
      now,
    )
    await inserted(db, links.rows)
  }
  await enqueueAll(db, links.messages)
  await putHeads(db, links.heads)
}
