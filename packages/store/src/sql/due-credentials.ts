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

/** Touches nearer than this to the last one are not written: they come with every use. */
const TOUCH_EVERY: Millis = MINUTE
/** Rows that one claim changes, so that it never holds the lock for long; the next one goes on from there. */
const MAX_CHANGED_ROWS = 1_000
/** Rows looked at for the next one that falls due. */
const LOOKAHEAD_ROWS = 100

// In the text of the query, because the indexes hold only rows with exactly these values.
const WATCHED = sql.lit(0)
const LAPSED = sql.lit(1)

type Rows = SelectQueryBuilder<Tables, 'credentials', object>

/** A claim at the moment when it is made. */
interface Claim extends DueRequest {
  readonly connection: string
  readonly now: Instant
}

const rowsOf = (db: Db, { connection }: Claim, lapsed: typeof LAPSED): Rows =>
  db.selectFrom('credentials').where('connection', '=', connection).where('lapsed', '=', lapsed)

const keptSince = ({ now, keepForMs }: Claim): Instant => now - keepForMs

/** Not claimed, or claimed by a clock that was ahead. */
const unclaimed = (rows: Rows, { now }: Claim): Rows =>
  rows.where((row) => row.or([row('claimed_until', '<=', now), row('claimed_at', '>', latestCredible(now))]))

const claimable = (db: Db, claim: Claim): Rows =>
  unclaimed(rowsOf(db, claim, WATCHED).where('due_at', '<=', claim.now), claim)

/** Put off by a clock that was ahead, and due now. */
const setByFastClock = (db: Db, claim: Claim): Rows =>
  rowsOf(db, claim, WATCHED).where('due_set_at', '>', latestCredible(claim.now)).where('due_at', '>', claim.now)

/** Put aside and kept all the same: touched since, or this keeper keeps for longer, or the clock was ahead. */
const revivable = (db: Db, claim: Claim): Rows => rowsOf(db, claim, LAPSED).where('touched_at', '>=', keptSince(claim))

const changing = (db: Db, { connection }: Claim, rows: Rows, most: number) =>
  db.updateTable('credentials').where('connection', '=', connection).where('id', 'in', rows.select('id').limit(most))

/** Whether a touch now would change anything. */
export async function needsTouch(db: Db, connection: string, id: string, now: Instant): Promise<boolean> {
  const row = await db
    .selectFrom('credentials')
    .select('touched_at')
    .where('connection', '=', connection)
    .where('id', '=', id)
    .executeTakeFirst()
  // One from the future was made by a clock that was ahead, and would keep the session for too long.
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

/** How many are due and kept, claimed or not; up to `most`. */
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

/** The answer to a claim that would change nothing; undefined when it would. */
export async function noDueCredentials(db: Db, claim: Claim): Promise<DueAnswer | undefined> {
  for (const rows of [claimable(db, claim), unclaimed(setByFastClock(db, claim), claim), revivable(db, claim)]) {
    if (await rows.select('id').limit(1).executeTakeFirst()) return undefined
  }
  return answer(db, claim, [])
}

/** Claims what is kept, and puts aside what is not, so that later claims need not pass it. */
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

/** Takes the longest due rows, kept or not, and says which is which. */
async function claimRows(db: Db, claim: Claim, rows: Rows, most: number) {
  const since = keptSince(claim)
  const until = claim.now + claim.leaseMs
  return changing(db, claim, rows, most)
    .set((row) => ({
      claimed_until: row.case().when('touched_at', '>=', since).then(until).else(row.ref('claimed_until')).end(),
      claimed_at: claim.now,
      // One from the future was made by a clock that was ahead, and would keep the guest for too long.
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
  // So many that are not kept come before the next one that it is too early to look for it.
  const due = seen?.next ?? (Number(seen?.rows) === LOOKAHEAD_ROWS ? seen?.last : undefined)
  const ends = [claims?.end, claimsAhead?.end, due].filter((at) => at !== null && at !== undefined)
  return ends.length > 0 ? Math.min(...ends) : undefined
}
