import type { Due, Event, Instant, Millis, Outcome, Route } from '@guestpass/core'
import type { Db } from './database.ts'

/** Due since ever: never tried, so that the index holds these in the order of their commits. */
const FRESH: Instant = 0

/** Adds events and, for each sink of their route, a letter in the outbox. An event that is there already is left alone. */
export async function append(db: Db, events: readonly Event[], route: Route): Promise<void> {
  for (const event of events) {
    const row = await db
      .insertInto('events')
      .values({ connection: event.connection, id: event.id, body: JSON.stringify(event) })
      .onConflict((conflict) => conflict.column('id').doNothing())
      .returning('seq')
      .executeTakeFirst()
    if (!row) continue
    for (const sink of new Set(route(event))) {
      await db
        .insertInto('outbox')
        .values({ sink, seq: row.seq, event: event.id, due_at: FRESH, attempts: 0, why: null })
        .execute()
    }
  }
}

export async function paged(
  db: Db,
  connection: string,
  { after = 0, limit }: { after?: number; limit: number },
): Promise<{ readonly events: readonly Event[]; readonly next?: number }> {
  const rows = await db
    .selectFrom('events')
    .select(['seq', 'body'])
    .where('connection', '=', connection)
    .where('seq', '>', after)
    .orderBy('seq')
    .limit(limit + 1)
    .execute()
  const page = rows.slice(0, limit)
  const next = rows.length > limit ? page.at(-1)?.seq : undefined
  return { events: page.map(({ body }) => JSON.parse(body) as Event), ...(next === undefined ? {} : { next }) }
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
  await db
    .updateTable('outbox')
    .set((letter) => ({
      attempts: letter('attempts', '+', 1),
      due_at: outcome.then === 'park' ? null : now + outcome.inMs,
      why: outcome.why,
    }))
    .where('sink', '=', sink)
    .where('event', '=', outcome.event)
    .execute()
}
