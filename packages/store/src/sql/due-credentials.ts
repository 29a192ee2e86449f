import {
  latestCredible,
  type DueAnswer,
  type DueRequest,
  type Instant,
  type Millis,
  MINUTE,
} from '@guestpass/core/store-kit'
import { type SelectQueryBuilder, sql } from 'kysely'
import type { Db } from './database.ts'
import { countRows } from './rows.ts'
import type { Tables } from './schema.ts'

/** A touch sooner after the last one is not written, because every use touches. */
const TOUCH_EVERY: Millis = MINUTE
/** The most rows that one claim changes, so that it holds the write lock only briefly. */
const MAX_CHANGED_ROWS = 1_000
/** How many future rows to read for the next due time. */
const LOOKAHEAD_ROWS = 100

// Literals, because a partial index is used only if the query names its value.
const WATCHED = sql.lit(0)
const LAPSED = sql.lit(1)

type Rows = SelectQueryBuilder<Tables, 'credentials', object>

/** A request and the time at which it is handled. */
interface Claim extends DueRequest {
  readonly connection: string
  readonly now: Instant
}

const rowsOf = (db: Db, { connection }: Claim, lapsed: typeof LAPSED): Rows =>
  db.selectFrom('credentials').where('connection', '=', connection).where('lapsed', '=', lapsed)

const keptSince = ({ now, keepForMs }: Claim): Instant => now - keepForMs

/** Rows without a claim, and rows whose claim a clock that was ahead has set. */
const unclaimed = (rows: Rows, { now }: Claim): Rows =>
  rows.where((row) => row.or([row('claimed_until', '<=', now), row('claimed_at', '>', latestCredible(now))]))

const claimable = (db: Db, claim: Claim): Rows =>
  unclaimed(rowsOf(db, claim, WATCHED).where('due_at', '<=', claim.now), claim)

/** Rows whose due time a clock that was ahead has set. They are due now. */
const setByFastClock = (db: Db, claim: Claim): Rows =>
  rowsOf(db, claim, WATCHED).where('due_set_at', '>', latestCredible(claim.now)).where('due_at', '>', claim.now)

/** Lapsed rows that are in use again: touched since, or `keepForMs` is longer now, or the clock was ahead. */
const revivable = (db: Db, claim: Claim): Rows => rowsOf(db, claim, LAPSED).where('touched_at', '>=', keptSince(claim))

/** Changes the first rows, except those that another process changes at the moment. */
const changing = (db: Db, { connection }: Claim, rows: Rows, most: number) =>
  db
    // Chosen once: a planner that chooses again for each row would change more.
    .with(
      (cte) => cte('chosen').materialized(),
      () => rows.select('id').limit(most).forUpdate().skipLocked(),
    )
    .updateTable('credentials')
    .where('connection', '=', connection)
    .where(({ eb, selectFrom }) => eb('credentials.id', 'in', selectFrom('chosen').select('chosen.id')))

/** Whether a touch now must be written. */
export async function needsTouch(db: Db, connection: string, id: string, now: Instant): Promise<boolean> {
  const row = await db
    .selectFrom('credentials')
    .select('touched_at')
    .where('connection', '=', connection)
    .where('id', '=', id)
    .executeTakeFirst()
  // A touch in the future is by a clock that was ahead. It would keep the guest for too long.
  return row !== undefined && Math.abs(now - row.touched_at) >= TOUCH_EVERY
}

export async function touch(db: Db, connection: string, id: string, now: Instant): Promise<void> {
  await db
    .updateTable('credentials')
    .set({ touched_at: now })
    .where('connection', '=', connection)
    .where('id', '=', id)
    .execute()
}

/** Counts due rows that are in use, claimed or not, up to `most`. */
export async function countDue(
  db: Db,
  { most, ...asked }: Pick<Claim, 'connection' | 'keepForMs' | 'now'> & { readonly most: number },
): Promise<number> {
  const claim = { ...asked, max: 1, leaseMs: 1 }
  const kept = (rows: Rows): Rows => rows.where('touched_at', '>=', keptSince(claim))
  const due = kept(rowsOf(db, claim, WATCHED)).where('due_at', '<=', claim.now)
  let count = 0
  for (const rows of [due, kept(setByFastClock(db, claim)), revivable(db, claim).where('due_at', '<=', claim.now)]) {
    if (count < most) count += await countRows(db, rows.select('id').limit(most - count))
  }
  return count
}

/** The answer if a claim would change no row; undefined if it would. */
export async function noDueCredentials(db: Db, claim: Claim): Promise<DueAnswer | undefined> {
  for (const rows of [claimable(db, claim), unclaimed(setByFastClock(db, claim), claim), revivable(db, claim)]) {
    if (await rows.select('id').limit(1).executeTakeFirst()) return undefined
  }
  return answer(db, claim, [])
}

/** Claims due rows that are in use. Marks the others as lapsed, so that later claims do not read them. */
export async function claimDue(db: Db, claim: Claim): Promise<DueAnswer> {
  const { max, now } = claim
  const claimed: { readonly id: string; readonly dueAt: Instant }[] = []
  let left = MAX_CHANGED_ROWS - (await revive(db, claim))
  for (const rows of [claimable(db, claim).orderBy('due_at'), unclaimed(setByFastClock(db, claim), claim)]) {
    for (;;) {
      if (left <= 0) return { now, claimed: byDueTime(claimed), nextInMs: 0 }
      const wanted = Math.min(max - claimed.length, left)
      const taken = await claimRows(db, claim, rows, wanted)
      left -= taken.length
      for (const { id, due_at, lapsed } of taken) {
        if (!lapsed) claimed.push({ id, dueAt: Math.min(due_at ?? now, now) })
      }
      if (claimed.length === max) return answer(db, claim, claimed)
      if (taken.length < wanted) break
    }
  }
  return answer(db, claim, claimed)
}

async function revive(db: Db, claim: Claim): Promise<number> {
  const { numUpdatedRows } = await changing(db, claim, revivable(db, claim), MAX_CHANGED_ROWS)
    .set({ lapsed: 0 })
    .executeTakeFirstOrThrow()
  return Number(numUpdatedRows)
}

/** Claims the longest due rows in use and marks the others as lapsed. Returns both. */
async function claimRows(db: Db, claim: Claim, rows: Rows, most: number) {
  const since = keptSince(claim)
  const until = claim.now + claim.leaseMs
  return changing(db, claim, rows, most)
    .set((row) => ({
      claimed_until: row.case().when('touched_at', '>=', since).then(until).else(row.ref('claimed_until')).end(),
      claimed_at: claim.now,
      // A touch in the future is by a clock that was ahead. It would keep the guest for too long.
      touched_at: row
        .case()
        .when('touched_at', '>', latestCredible(claim.now))
        .then(claim.now)
        .else(row.ref('touched_at'))
        .end(),
      lapsed: row.case().when('touched_at', '>=', since).then(WATCHED).else(LAPSED).end(),
    }))
    .returning(['id', 'due_at', 'lapsed'])
    .execute()
}

const byDueTime = (claimed: DueAnswer['claimed']): DueAnswer['claimed'] => claimed.toSorted((a, b) => a.dueAt - b.dueAt)

async function answer(db: Db, claim: Claim, claimed: DueAnswer['claimed']): Promise<DueAnswer> {
  const { now, max } = claim
  const next = claimed.length < max ? await nextDueAt(db, claim) : undefined
  return { now, claimed: byDueTime(claimed), ...(next === undefined ? {} : { nextInMs: next - now }) }
}

async function nextDueAt(db: Db, claim: Claim): Promise<Instant | undefined> {
  const since = keptSince(claim)
  const claims = await rowsOf(db, claim, WATCHED)
    .select((row) => row.fn.min('claimed_until').as('end'))
    .where('due_at', '<=', claim.now)
    .where('touched_at', '>=', since)
    .executeTakeFirst()
  const claimsAhead = await setByFastClock(db, claim)
    .select((row) => row.fn.min('claimed_until').as('end'))
    .where('touched_at', '>=', since)
    .executeTakeFirst()
  const future = rowsOf(db, claim, WATCHED)
    .select(['due_at', 'touched_at'])
    .where('due_at', '>', claim.now)
    .orderBy('due_at')
    .limit(LOOKAHEAD_ROWS)
  const seen = await db
    .selectFrom(future.as('future'))
    .select(({ fn }) => [
      fn.min('due_at').filterWhere('touched_at', '>=', since).as('next'),
      fn.max('due_at').as('last'),
      fn.countAll<number>().as('rows'),
    ])
    .executeTakeFirst()
  // All rows that were read are not in use. The last of them is early enough to look again.
  const due = seen?.next ?? (Number(seen?.rows) === LOOKAHEAD_ROWS ? seen?.last : undefined)
  const ends = [claims?.end, claimsAhead?.end, due].filter((at) => at !== null && at !== undefined)
  return ends.length > 0 ? Math.min(...ends) : undefined
}
