import {
  latestCredible,
  type DueDocumentsAnswer,
  type DueDocumentsRequest,
  type Instant,
} from '@guestpass/core/store-kit'
import { sql } from 'kysely'
import type { Db } from './database.ts'
import { isExpired } from './documents.ts'

/** A request and the time at which it is handled. */
interface Claim extends DueDocumentsRequest {
  readonly connection: string
  readonly now: Instant
}

const rowsOf = (db: Db, { connection, kind, now }: Claim) =>
  db
    .selectFrom('documents')
    .where('connection', '=', connection)
    .where('kind', '=', kind)
    .where('due_at', 'is not', null)
    .where(({ not }) => not(isExpired(now)))

/** Documents whose due time a clock that was ahead has set. They are due now. */
const setByFastClock = (db: Db, claim: Claim) =>
  rowsOf(db, claim).where('due_set_at', '>', latestCredible(claim.now)).where('due_at', '>', claim.now)

/**
 * The answer if no document is due; undefined if one is. Workers ask every second, so it is one statement.
 */
export async function noDueDocuments(db: Db, claim: Claim): Promise<DueDocumentsAnswer | undefined> {
  const { now } = claim
  const first = rowsOf(db, claim).select('due_at').orderBy('due_at').limit(1)
  const isAhead = setByFastClock(db, claim).select(sql.lit(0).as('due_at')).limit(1)
  const asked = sql<{ next: number | null; moved: number | null }>`select (${first}) as "next", (${isAhead}) as moved`
  const { next = null, moved = null } = (await asked.execute(db)).rows[0] ?? {}
  if (moved !== null || (next !== null && next <= now)) return undefined
  return { now, claimed: [], ...(next === null ? {} : { nextInMs: next - now }) }
}

/** Claims due documents, the longest due first, then those whose due time a clock that was ahead has set. */
export async function claimDueDocuments(db: Db, claim: Claim): Promise<DueDocumentsAnswer> {
  const { now, max } = claim
  const due = rowsOf(db, claim).where('due_at', '<=', now).orderBy('due_at')
  const claimed = [...(await claimRows(db, claim, due, max))]
  if (claimed.length < max)
    claimed.push(...(await claimRows(db, claim, setByFastClock(db, claim), max - claimed.length)))
  const next = claimed.length < max ? await nextDueAt(db, claim) : undefined
  return { now, claimed, ...(next === undefined ? {} : { nextInMs: next - now }) }
}

async function claimRows(
  db: Db,
  claim: Claim,
  rows: ReturnType<typeof rowsOf>,
  most: number,
): Promise<DueDocumentsAnswer['claimed']> {
  const { connection, kind, now, leaseMs } = claim
  // Locked until the end of the transaction, so that none of them changes before its update.
  const found = await rows.select(['id', 'revision', 'due_at']).limit(most).forUpdate().skipLocked().execute()
  if (found.length === 0) return []
  await db
    .updateTable('documents')
    .set({ due_at: now + leaseMs, due_set_at: now })
    .where('connection', '=', connection)
    .where('kind', '=', kind)
    .where(
      'id',
      'in',
      found.map(({ id }) => id),
    )
    .execute()
  return found.map(({ id, revision, due_at }) => ({ id, revision, dueAt: Math.min(due_at ?? now, now) }))
}

async function nextDueAt(db: Db, claim: Claim): Promise<Instant | undefined> {
  const next = await rowsOf(db, claim)
    .select('due_at')
    .where('due_at', '>', claim.now)
    .orderBy('due_at')
    .limit(1)
    .executeTakeFirst()
  return next?.due_at ?? undefined
}
