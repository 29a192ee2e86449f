import { ahead, type Due, type Event, type Instant, type Millis, type Outcome, type Parked } from '@guestpass/core'
import { sql } from 'kysely'
import type { Db } from './database.ts'
import { countOf, inGroups } from './rows.ts'
import type { Tables } from './schema.ts'

/** Due since ever: never tried, so that the index holds these in the order of their commits. */
const FRESH: Instant = 0

/** An event for a sink, where it stands in its chain, and since when it waits: what orders the letters of all connections. */
export type Letter = Pick<Tables['outbox'], 'sink' | 'connection' | 'event' | 'chain' | 'count' | 'queued_at'>

const fresh = { due_at: FRESH, set_at: 0, attempts: 0, why: null }

/** Makes events due for sinks, as if they had never been tried. */
export async function postAll(db: Db, letters: readonly Letter[]): Promise<void> {
  for (const group of inGroups(letters)) {
    await db
      .insertInto('outbox')
      .values(group.map((letter) => ({ ...letter, ...fresh })))
      .onConflict((conflict) => conflict.columns(['connection', 'sink', 'event']).doUpdateSet(fresh))
      .execute()
  }
}

const lettersTo = (db: Db, sink: string) => db.selectFrom('outbox').where('outbox.sink', '=', sink)

const tried = (db: Db, sink: string) => lettersTo(db, sink).where('outbox.due_at', '>', sql.lit(FRESH))

/** Held by a clock that was ahead. */
const heldAhead = (db: Db, sink: string, now: Instant) => tried(db, sink).where('outbox.set_at', '>', ahead(now))

/** Whether a claim would find anything. */
export async function anyDue(db: Db, sink: string, now: Instant): Promise<boolean> {
  const due = lettersTo(db, sink).where('outbox.due_at', '<=', now)
  for (const letters of [due, heldAhead(db, sink, now)]) {
    if (await letters.select('outbox.event').limit(1).executeTakeFirst()) return true
  }
  return false
}

/** Takes due letters, the longest waiting first, and holds them for the lease. */
export async function claimed(
  db: Db,
  sink: string,
  max: number,
  leaseMs: Millis,
  now: Instant,
): Promise<readonly Due[]> {
  const key = ['outbox.connection', 'outbox.sink', 'outbox.event', 'outbox.queued_at', 'outbox.count'] as const
  const first = (letters: ReturnType<typeof tried>) =>
    db
      .selectFrom(
        letters
          .select(key)
          .orderBy('outbox.queued_at')
          .orderBy('outbox.connection')
          .orderBy('outbox.count')
          .limit(max)
          .as('part'),
      )
      .selectAll()
  // In parts, because only the later ones have to be sorted, and they are short.
  const parts = first(lettersTo(db, sink).where('outbox.due_at', '=', sql.lit(FRESH)))
    .unionAll(first(tried(db, sink).where('outbox.due_at', '<=', now)))
    .unionAll(first(heldAhead(db, sink, now).where('outbox.due_at', '>', now)))
  const taken = await db
    .updateTable('outbox')
    .set({ due_at: now + leaseMs, set_at: now })
    .where(({ eb, refTuple, selectFrom }) => {
      const chosen = selectFrom(parts.as('due'))
        .select(['due.connection', 'due.sink', 'due.event'])
        .orderBy('due.queued_at')
        .orderBy('due.connection')
        .orderBy('due.count')
        .limit(max)
      return eb(refTuple('connection', 'sink', 'event'), 'in', chosen.$asTuple('connection', 'sink', 'event'))
    })
    .returning(['connection', 'chain', 'count', 'attempts', 'queued_at'])
    .execute()
  return (await withEvents(db, taken.sort(byQueue))).map(({ event, attempts }) => ({ event, attempts }))
}

type Place = Pick<Letter, 'connection' | 'chain' | 'count' | 'queued_at'>

const byQueue = (one: Place, other: Place): number =>
  one.queued_at - other.queued_at ||
  Number(one.connection > other.connection) - Number(one.connection < other.connection) ||
  one.count - other.count

/** Reads the events of letters, in the order of the letters. */
async function withEvents<T extends Place & { readonly attempts: number }>(
  db: Db,
  letters: readonly T[],
): Promise<readonly (T & { readonly event: Event })[]> {
  const events = new Map<string, Event>()
  for (const ofChain of Map.groupBy(letters, ({ connection, chain }) => `${chain}:${connection}`).values()) {
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
  return letters.flatMap((letter) => {
    const event = events.get(cursorOf(letter))
    return event ? [{ ...letter, event }] : []
  })
}

export async function settled(db: Db, sink: string, outcome: Outcome, now: Instant): Promise<void> {
  if (outcome.then === 'done') {
    await db.deleteFrom('outbox').where('sink', '=', sink).where('event', '=', outcome.event).execute()
    return
  }
  const letter = db.updateTable('outbox').where('sink', '=', sink).where('event', '=', outcome.event)
  if (outcome.then === 'release') {
    await letter.set({ due_at: FRESH, set_at: 0 }).execute()
    return
  }
  await letter
    .set((row) => ({
      attempts: row('attempts', '+', 1),
      due_at: outcome.then === 'park' ? null : now + outcome.inMs,
      set_at: now,
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
    const letter = await lettersTo(db, sink)
      .select(['connection', 'event', 'chain', 'count', 'queued_at'])
      .where('event', '=', event)
      .executeTakeFirst()
    if (!letter) continue
    for (const other of new Set(to)) {
      await db
        .insertInto('outbox')
        .values({ ...letter, sink: other, ...fresh })
        .onConflict((conflict) => conflict.columns(['connection', 'sink', 'event']).doNothing())
        .execute()
    }
    await db.deleteFrom('outbox').where('sink', '=', sink).where('event', '=', event).execute()
  }
}

export async function posted(
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
  await postAll(
    db,
    rows.map((row) => ({ ...row, connection, sink, queued_at: now })),
  )
  return rows.length
}

/** A place in the queue as text, from which the next page goes on. */
const cursorOf = ({ connection, chain, count }: Omit<Place, 'queued_at'>): string => `${chain}:${count}:${connection}`

function placeOf(cursor: string): readonly [connection: string, chain: number, count: number] {
  const [, chain, count, connection] = /^(\d+):(\d+):(.*)$/s.exec(cursor) ?? []
  return [connection ?? '', Number(chain ?? 0), Number(count ?? 0)]
}

export async function parked(
  db: Db,
  sink: string,
  { after, limit }: { readonly after?: string; readonly limit: number },
): Promise<{ readonly letters: readonly Parked[]; readonly next?: string }> {
  const rows = await lettersTo(db, sink)
    .select(['connection', 'chain', 'count', 'attempts', 'why', 'queued_at'])
    .where('due_at', 'is', null)
    .$if(after !== undefined, (query) => {
      const [connection, chain, count] = placeOf(after ?? '')
      return query.where(sql<boolean>`(connection, chain, count) > (${connection}, ${chain}, ${count})`)
    })
    .orderBy('connection')
    .orderBy('chain')
    .orderBy('count')
    .limit(limit + 1)
    .execute()
  const page = rows.slice(0, limit)
  const last = page.at(-1)
  const letters = (await withEvents(db, page)).map(({ event, attempts, why }) => ({ event, attempts, why: why ?? '' }))
  return { letters, ...(rows.length > limit && last ? { next: cursorOf(last) } : {}) }
}

/** Each counted up to `most`. */
export async function counted(
  db: Db,
  sink: string,
  most = Number.MAX_SAFE_INTEGER,
): Promise<{ readonly waiting: number; readonly parked: number }> {
  const letters = lettersTo(db, sink).select('outbox.event').limit(most)
  return {
    waiting: await countOf(db, letters.where('outbox.due_at', 'is not', null)),
    parked: await countOf(db, letters.where('outbox.due_at', 'is', null)),
  }
}
