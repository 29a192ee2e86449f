import type { Due, Event, Instant, Millis, Outcome, Parked, Route } from '@guestpass/core'
import { chainHead, linkedTo, linksAfter } from './chain.ts'
import type { Db } from './database.ts'
import { memoryOf } from './transaction-memory.ts'

/** Due since ever: never tried, so that the index holds these in the order of their commits. */
const FRESH: Instant = 0

/**
 * Adds events of one connection to its chain and, for each sink of their route, a letter in the outbox. One that is there already
 * is left alone.
 */
export async function append(db: Db, events: readonly Event[], route: Route): Promise<void> {
  const { heads } = memoryOf(db)
  for (const event of events) {
    const { connection, id } = event
    const head = heads.get(connection) ?? (await chainHead(db, connection))
    const link = linkedTo(head, event)
    const row = await db
      .insertInto('events')
      .values({ connection, id, body: JSON.stringify(event), ...link })
      .onConflict((conflict) => conflict.column('id').doNothing())
      .returning('seq')
      .executeTakeFirst()
    heads.set(connection, row ? link : head)
    if (!row) continue
    for (const sink of new Set(route(event))) await post(db, sink, { seq: row.seq, event: id })
  }
}

/** Makes an event due for a sink, as if it had never been tried. */
async function post(db: Db, sink: string, letter: { readonly seq: number; readonly event: string }): Promise<void> {
  const fresh = { due_at: FRESH, attempts: 0, why: null }
  await db
    .insertInto('outbox')
    .values({ sink, ...letter, ...fresh })
    .onConflict((conflict) => conflict.columns(['sink', 'event']).doUpdateSet(fresh))
    .execute()
}

export async function paged(
  db: Db,
  connection: string,
  page: { after?: number; limit: number },
): Promise<{ readonly events: readonly Event[]; readonly next?: number }> {
  const { links, ...next } = await linksAfter(db, connection, page)
  return { events: links.map(({ event }) => event), ...next }
}

const lettersTo = (db: Db, sink: string) => db.selectFrom('outbox').where('outbox.sink', '=', sink)

/** Whether a claim would find anything. */
export async function anyDue(db: Db, sink: string, now: Instant): Promise<boolean> {
  const letters = lettersTo(db, sink).where('outbox.due_at', '<=', now)
  return (await letters.select('outbox.seq').limit(1).executeTakeFirst()) !== undefined
}

export async function claimed(db: Db, sink: string, max: number, leaseMs: Millis, now: Instant): Promise<Due[]> {
  const page = lettersTo(db, sink)
    .innerJoin('events', 'events.seq', 'outbox.seq')
    .select(['outbox.seq', 'outbox.attempts', 'events.body'])
    .orderBy('outbox.seq')
    .limit(max)
  // Apart, because only the second has to be sorted, and it is short.
  const fresh = await page.where('outbox.due_at', '=', FRESH).execute()
  const again = await page.where('outbox.due_at', '>', FRESH).where('outbox.due_at', '<=', now).execute()
  const letters = [...fresh, ...again].sort((a, b) => a.seq - b.seq).slice(0, max)
  const last = letters.at(-1)
  if (!last) return []
  await db
    .updateTable('outbox')
    .set({ due_at: now + leaseMs })
    .where('sink', '=', sink)
    .where('due_at', '<=', now)
    .where('seq', '<=', last.seq)
    .execute()
  return letters.map(({ attempts, body }) => ({ event: JSON.parse(body) as Event, attempts }))
}

export async function settled(db: Db, sink: string, outcome: Outcome, now: Instant): Promise<void> {
  if (outcome.then === 'done') {
    await db.deleteFrom('outbox').where('sink', '=', sink).where('event', '=', outcome.event).execute()
    return
  }
  const letter = db.updateTable('outbox').where('sink', '=', sink).where('event', '=', outcome.event)
  if (outcome.then === 'release') {
    await letter.set({ due_at: FRESH }).execute()
    return
  }
  await letter
    .set((tried) => ({
      attempts: tried('attempts', '+', 1),
      due_at: outcome.then === 'park' ? null : now + outcome.inMs,
      why: outcome.why,
    }))
    .execute()
}

/** Hands events of a sink on to others. One that the sink does not have is nobody's; another's letter that is there stays as it is. */
export async function forwarded(
  db: Db,
  sink: string,
  letters: readonly { readonly event: string; readonly to: readonly string[] }[],
): Promise<void> {
  for (const { event, to } of letters) {
    const letter = await lettersTo(db, sink).select(['seq', 'event']).where('event', '=', event).executeTakeFirst()
    if (!letter) continue
    for (const other of new Set(to)) {
      await db
        .insertInto('outbox')
        .values({ sink: other, ...letter, due_at: FRESH, attempts: 0, why: null })
        .onConflict((conflict) => conflict.columns(['sink', 'event']).doNothing())
        .execute()
    }
    await db.deleteFrom('outbox').where('sink', '=', sink).where('event', '=', event).execute()
  }
}

export async function posted(db: Db, connection: string, sink: string, events: readonly string[]): Promise<number> {
  const rows = await db
    .selectFrom('events')
    .select(['seq', 'id'])
    .where('connection', '=', connection)
    .where('id', 'in', events)
    .execute()
  for (const { seq, id } of rows) await post(db, sink, { seq, event: id })
  return rows.length
}

export async function parked(
  db: Db,
  sink: string,
  { after, limit }: { readonly after?: string; readonly limit: number },
): Promise<{ readonly letters: readonly Parked[]; readonly next?: string }> {
  // Where it stands among all events, for it may have left the queue since.
  const from = after === undefined ? undefined : db.selectFrom('events').select('seq').where('id', '=', after)
  const rows = await lettersTo(db, sink)
    .innerJoin('events', 'events.seq', 'outbox.seq')
    .select(['outbox.attempts', 'outbox.why', 'events.body'])
    .where('outbox.due_at', 'is', null)
    .$if(from !== undefined, (query) => query.where('outbox.seq', '>', from as NonNullable<typeof from>))
    .orderBy('outbox.seq')
    .limit(limit + 1)
    .execute()
  const letters = rows.slice(0, limit).map(({ attempts, why, body }) => ({
    event: JSON.parse(body) as Event,
    attempts,
    why: why ?? '',
  }))
  const next = rows.length > limit ? letters.at(-1)?.event.id : undefined
  return { letters, ...(next === undefined ? {} : { next }) }
}

export async function counted(db: Db, sink: string): Promise<{ readonly waiting: number; readonly parked: number }> {
  const { all, waiting } = await lettersTo(db, sink)
    .select(({ fn }) => [fn.countAll<number>().as('all'), fn.count<number>('due_at').as('waiting')])
    .executeTakeFirstOrThrow()
  return { waiting, parked: all - waiting }
}
