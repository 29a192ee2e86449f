import {
  ahead,
  type Bucket,
  type Instant,
  type LeaseAnswer,
  type Lesson,
  type Millis,
  type PermitAnswer,
  type PermitAsk,
  reserved,
  taught,
} from '@guestpass/core/store-kit'
import { sql } from 'kysely'
import type { Db } from './database.ts'

export interface LeaseAsk {
  readonly connection: string
  readonly name: string
  readonly holder: string
  readonly ms: Millis
}

/** Takes or prolongs a lease in one statement: no row comes back when another holder has it. */
export async function lease(db: Db, { connection, name, holder, ms }: LeaseAsk, now: Instant): Promise<LeaseAnswer> {
  const taken = { holder, until: now + ms, ms }
  const granted = await db
    .insertInto('leases')
    .values({ connection, name, ...taken })
    .onConflict((conflict) =>
      conflict
        .columns(['connection', 'name'])
        .doUpdateSet(taken)
        .where((stands) =>
          stands.or([
            stands('leases.holder', '=', holder),
            stands('leases.until', '<=', now),
            // More than it was taken for: the clock went back. The lease is given up, for it saves work and guards nothing.
            sql<boolean>`leases.until - leases.ms > ${ahead(now)}`,
          ]),
        ),
    )
    .returning('holder')
    .executeTakeFirst()
  if (granted) return { granted: true, endsInMs: ms }
  const stands = await db
    .selectFrom('leases')
    .select('until')
    .where('connection', '=', connection)
    .where('name', '=', name)
    .executeTakeFirst()
  return { granted: false, endsInMs: Math.max(0, (stands?.until ?? now) - now) }
}

export async function release(db: Db, connection: string, name: string, holder: string): Promise<void> {
  await db
    .deleteFrom('leases')
    .where('connection', '=', connection)
    .where('name', '=', name)
    .where('holder', '=', holder)
    .execute()
}

async function stateOf(db: Db, connection: string, lane: string): Promise<string | undefined> {
  const row = await db
    .selectFrom('buckets')
    .select('state')
    .where('connection', '=', connection)
    .where('lane', '=', lane)
    .executeTakeFirst()
  return row?.state
}

/** Keeps a bucket in the place of the very one that was read; false when another one is there. */
async function keepBucket(
  db: Db,
  connection: string,
  lane: string,
  before: string | undefined,
  bucket: Bucket,
): Promise<boolean> {
  const state = JSON.stringify(bucket)
  const kept = await db
    .insertInto('buckets')
    .values({ connection, lane, state })
    .onConflict((conflict) =>
      before === undefined
        ? conflict.columns(['connection', 'lane']).doNothing()
        : conflict.columns(['connection', 'lane']).doUpdateSet({ state }).where('buckets.state', '=', before),
    )
    .returning('lane')
    .executeTakeFirst()
  return kept !== undefined
}

/** Changes a bucket: computed again if another process has changed it meanwhile. */
async function changedBucket<T>(
  db: Db,
  connection: string,
  lane: string,
  change: (known: Bucket | undefined) => { readonly answer: T; readonly bucket: Bucket },
): Promise<T> {
  for (;;) {
    const before = await stateOf(db, connection, lane)
    const known = before === undefined ? undefined : (JSON.parse(before) as Bucket)
    const { answer, bucket } = change(known)
    if (bucket === known || (await keepBucket(db, connection, lane, before, bucket))) return answer
  }
}

export const reserve = (
  db: Db,
  connection: string,
  lane: string,
  ask: PermitAsk,
  now: Instant,
): Promise<PermitAnswer> => changedBucket(db, connection, lane, (known) => reserved(known, ask, now))

export const learn = (db: Db, connection: string, lane: string, lesson: Lesson, now: Instant): Promise<void> =>
  changedBucket(db, connection, lane, (known) => ({ answer: undefined, bucket: taught(known, lesson, now) }))

export async function fact(db: Db, connection: string, name: string): Promise<unknown> {
  const row = await db
    .selectFrom('facts')
    .select('value')
    .where('connection', '=', connection)
    .where('name', '=', name)
    .executeTakeFirst()
  return row && JSON.parse(row.value)
}

export async function setFact(db: Db, connection: string, name: string, value: unknown): Promise<void> {
  const text = JSON.stringify(value) as string | undefined
  if (text === undefined) {
    await db.deleteFrom('facts').where('connection', '=', connection).where('name', '=', name).execute()
    return
  }
  await db
    .insertInto('facts')
    .values({ connection, name, value: text })
    .onConflict((conflict) => conflict.columns(['connection', 'name']).doUpdateSet({ value: text }))
    .execute()
}
