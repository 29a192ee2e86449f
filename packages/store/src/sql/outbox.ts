import type { Event } from '@guestpass/core'
import {
  latestCredible,
  type DueMessage,
  type Instant,
  type Millis,
  type DeliveryOutcome,
  type DeadLetter,
} from '@guestpass/core/store-kit'
import { sql } from 'kysely'
import type { Db } from './database.ts'
import { countRows, inGroups } from './rows.ts'
import type { Tables } from './schema.ts'

/**
 * The due time of a message that was never tried. All have the same, so that the index holds them in commit
 * order.
 */
const NEVER_TRIED: Instant = 0

/**
 * A message: an event for a sink, its place in the chain, and since when it is queued, which orders the
 * messages of all connections.
 */
export type QueueEntry = Pick<Tables['outbox'], 'sink' | 'connection' | 'event' | 'chain' | 'count' | 'queued_at'>

const neverTried = { due_at: NEVER_TRIED, set_at: 0, attempts: 0, why: null }

/** Queues events for sinks, due now and never tried. */
export async function enqueueAll(db: Db, messages: readonly QueueEntry[]): Promise<void> {
  for (const group of inGroups(messages)) {
    await db
      .insertInto('outbox')
      .values(group.map((message) => ({ ...message, ...neverTried })))
      .onConflict((conflict) => conflict.columns(['connection', 'sink', 'event']).doUpdateSet(neverTried))
      .execute()
  }
}

const queueOf = (db: Db, sink: string) => db.selectFrom('outbox').where('outbox.sink', '=', sink)

const attempted = (db: Db, sink: string) => queueOf(db, sink).where('outbox.due_at', '>', sql.lit(NEVER_TRIED))

/** Messages whose due time a clock that was ahead has set. */
const leasedByFastClock = (db: Db, sink: string, now: Instant) =>
  attempted(db, sink).where('outbox.set_at', '>', latestCredible(now))

/** Whether a message is due. */
export async function hasDueMessage(db: Db, sink: string, now: Instant): Promise<boolean> {
  const due = queueOf(db, sink).where('outbox.due_at', '<=', now)
  for (const messages of [due, leasedByFastClock(db, sink, now)]) {
    if (await messages.select('outbox.event').limit(1).executeTakeFirst()) return true
  }
  return false
}

/** Claims due messages for `leaseMs` milliseconds, the longest queued first. */
export async function claimMessages(
  db: Db,
  sink: string,
  max: number,
  leaseMs: Millis,
  now: Instant,
): Promise<readonly DueMessage[]> {
  const key = ['outbox.connection', 'outbox.sink', 'outbox.event', 'outbox.queued_at', 'outbox.count'] as const
  const first = (messages: ReturnType<typeof attempted>) =>
    db
      .selectFrom(
        messages
          .select(key)
          .orderBy('outbox.queued_at')
          .orderBy('outbox.connection')
          .orderBy('outbox.count')
          .limit(max)
          .forUpdate()
          .skipLocked()
          .as('part'),
      )
      .selectAll()
  // In parts, because the index already sorts the first part, and the others are small.
  const parts = first(queueOf(db, sink).where('outbox.due_at', '=', sql.lit(NEVER_TRIED)))
    .unionAll(first(attempted(db, sink).where('outbox.due_at', '<=', now)))
    .unionAll(first(leasedByFastClock(db, sink, now).where('outbox.due_at', '>', now)))
  const taken = await db
    // Chosen once: a planner that chooses again for each row would claim more.
    .with(
      (cte) => cte('due').materialized(),
      () => parts,
    )
    .updateTable('outbox')
    .set({ due_at: now + leaseMs, set_at: now })
    .where(({ eb, refTuple, selectFrom }) => {
      const chosen = selectFrom('due')
        .select(['due.connection', 'due.sink', 'due.event'])
        .orderBy('due.queued_at')
        .orderBy('due.connection')
        .orderBy('due.count')
        .limit(max)
      return eb(refTuple('connection', 'sink', 'event'), 'in', chosen.$asTuple('connection', 'sink', 'event'))
    })
    .returning(['connection', 'chain', 'count', 'attempts', 'queued_at'])
    .execute()
  return (await withEvents(db, taken.sort(byQueuePosition))).map(({ event, attempts }) => ({ event, attempts }))
}

type QueuePosition = Pick<QueueEntry, 'connection' | 'chain' | 'count' | 'queued_at'>

const byQueuePosition = (one: QueuePosition, other: QueuePosition): number =>
  one.queued_at - other.queued_at ||
  Number(one.connection > other.connection) - Number(one.connection < other.connection) ||
  one.count - other.count

/** Reads the events of messages, in the order of the messages. */
async function withEvents<T extends QueuePosition & { readonly attempts: number }>(
  db: Db,
  messages: readonly T[],
): Promise<readonly (T & { readonly event: Event })[]> {
  const events = new Map<string, Event>()
  for (const ofChain of Map.groupBy(messages, ({ connection, chain }) => `${chain}:${connection}`).values()) {
    const { connection, chain } = ofChain[0] as T
    for (const group of inGroups(ofChain)) {
      const counts = group.map(({ count }) => count)
      const rows = await db
        .selectFrom('events')
        .select(['count', 'body'])
        .where('connection', '=', connection)
        .where('chain', '=', chain)
        .where('count', 'in', counts)
        .execute()
      for (const { count, body } of rows) events.set(cursorOf({ connection, chain, count }), JSON.parse(body) as Event)
    }
  }
  return messages.flatMap((message) => {
    const event = events.get(cursorOf(message))
    return event ? [{ ...message, event }] : []
  })
}

/** Applies the outcomes of deliveries. Those that are alike share a statement. */
export async function settleMessages(
  db: Db,
  sink: string,
  outcomes: readonly DeliveryOutcome[],
  now: Instant,
): Promise<void> {
  const eventsThat = (then: DeliveryOutcome['then']): readonly string[] =>
    outcomes.flatMap((outcome) => (outcome.then === then ? [outcome.event] : []))
  for (const events of inGroups(eventsThat('done'))) await removeFrom(db, sink, events)
  for (const events of inGroups(eventsThat('release')))
    await db
      .updateTable('outbox')
      .where('sink', '=', sink)
      .where('event', 'in', events)
      .set({ due_at: NEVER_TRIED, set_at: 0 })
      .execute()
  for (const outcome of outcomes)
    if (outcome.then === 'retry' || outcome.then === 'dead-letter') await putOff(db, sink, outcome, now)
}

const removeFrom = (db: Db, sink: string, events: readonly string[]): Promise<unknown> =>
  db.deleteFrom('outbox').where('sink', '=', sink).where('event', 'in', events).execute()

/** An event that its sink did not take. */
type NotTaken = Extract<DeliveryOutcome, { readonly then: 'retry' | 'dead-letter' }>

async function putOff(db: Db, sink: string, outcome: NotTaken, now: Instant): Promise<void> {
  await db
    .updateTable('outbox')
    .where('sink', '=', sink)
    .where('event', '=', outcome.event)
    .set((row) => ({
      attempts: row('attempts', '+', 1),
      due_at: outcome.then === 'dead-letter' ? null : now + outcome.inMs,
      set_at: now,
      why: outcome.why,
    }))
    .execute()
}

/**
 * Moves messages of a sink to other sinks. Ignores events without a message, and sinks that have the message
 * already.
 */
export async function routeMessages(
  db: Db,
  sink: string,
  messages: readonly { readonly event: string; readonly to: readonly string[] }[],
): Promise<void> {
  const sinks = new Map(messages.map(({ event, to }) => [event, new Set(to)]))
  for (const events of inGroups([...sinks.keys()])) {
    const found = await queueOf(db, sink)
      .select(['connection', 'event', 'chain', 'count', 'queued_at'])
      .where('event', 'in', events)
      .orderBy('event')
      .forUpdate()
      .execute()
    const rows = found.flatMap((message) =>
      [...(sinks.get(message.event) ?? [])].map((other) => ({ ...message, sink: other, ...neverTried })),
    )
    for (const group of inGroups(rows))
      await db
        .insertInto('outbox')
        .values(group)
        .onConflict((conflict) => conflict.columns(['connection', 'sink', 'event']).doNothing())
        .execute()
    for (const group of inGroups(found.map(({ event }) => event))) await removeFrom(db, sink, group)
  }
}

/** Queues events of a connection for a sink. Returns how many of them the store has. */
export async function enqueueEvents(
  db: Db,
  connection: string,
  sink: string,
  events: readonly string[],
  now: Instant,
): Promise<number> {
  const rows = await db
    .selectFrom('events')
    .select(['chain', 'count', 'id as event'])
    .where('connection', '=', connection)
    .where('id', 'in', events)
    .execute()
  await enqueueAll(
    db,
    rows.map((row) => ({ ...row, connection, sink, queued_at: now })),
  )
  return rows.length
}

/** Makes messages due now that were tried and wait. Returns their number. */
export async function retryMessagesNow(db: Db, sink: string, now: Instant): Promise<number> {
  const { numUpdatedRows } = await db
    .updateTable('outbox')
    .set({ due_at: NEVER_TRIED, set_at: 0 })
    .where('sink', '=', sink)
    .where('due_at', '>', now)
    .where('attempts', '>', 0)
    .executeTakeFirst()
  return Number(numUpdatedRows)
}

/** The cursor of the page after a message. */
const cursorOf = ({ connection, chain, count }: Omit<QueuePosition, 'queued_at'>): string =>
  `${chain}:${count}:${connection}`

function parseCursor(cursor: string): readonly [connection: string, chain: number, count: number] {
  const [, chain, count, connection] = /^(\d+):(\d+):(.*)$/s.exec(cursor) ?? []
  return [connection ?? '', Number(chain ?? 0), Number(count ?? 0)]
}

export async function listDeadLetters(
  db: Db,
  sink: string,
  { after, limit }: { readonly after?: string; readonly limit: number },
): Promise<{ readonly messages: readonly DeadLetter[]; readonly next?: string }> {
  const rows = await queueOf(db, sink)
    .select(['connection', 'chain', 'count', 'attempts', 'why', 'queued_at'])
    .where('due_at', 'is', null)
    .$if(after !== undefined, (query) => {
      const [connection, chain, count] = parseCursor(after ?? '')
      return query.where(sql<boolean>`(connection, chain, count) > (${connection}, ${chain}, ${count})`)
    })
    .orderBy('connection')
    .orderBy('chain')
    .orderBy('count')
    .limit(limit + 1)
    .execute()
  const page = rows.slice(0, limit)
  const last = page.at(-1)
  const messages = (await withEvents(db, page)).map(({ event, attempts, why }) => ({ event, attempts, why: why ?? '' }))
  return { messages, ...(rows.length > limit && last ? { next: cursorOf(last) } : {}) }
}

/** Counts waiting messages and dead letters, each up to `most`. */
export async function countMessages(
  db: Db,
  sink: string,
  most = Number.MAX_SAFE_INTEGER,
): Promise<{ readonly waiting: number; readonly deadLetters: number }> {
  const messages = queueOf(db, sink).select('outbox.event').limit(most)
  return {
    waiting: await countRows(db, messages.where('outbox.due_at', 'is not', null)),
    deadLetters: await countRows(db, messages.where('outbox.due_at', 'is', null)),
  }
}

/** The names of the sinks that have messages. One step in an index for each. */
async function sinksOf(db: Db): Promise<readonly string[]> {
  const names: string[] = []
  for (;;) {
    const row = await db
      .selectFrom('outbox')
      .select(({ fn }) => fn.min<string | null>('sink').as('first'))
      .where('sink', '>', names.at(-1) ?? '')
      .executeTakeFirst()
    const first = row?.first ?? undefined
    if (first === undefined) return names
    names.push(first)
  }
}

/** Removes events of a connection from all queues. */
export async function removeMessages(db: Db, connection: string, events: readonly string[]): Promise<void> {
  for (const sink of await sinksOf(db)) {
    for (const group of inGroups(events)) {
      await db
        .deleteFrom('outbox')
        .where('sink', '=', sink)
        .where('event', 'in', group)
        .where('connection', '=', connection)
        .execute()
    }
  }
}
