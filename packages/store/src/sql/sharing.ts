import {
  type Bucket,
  type Instant,
  type LeaseAnswer,
  leased,
  type Lesson,
  type Millis,
  type PermitAnswer,
  type PermitAsk,
  reserved,
  taught,
} from '@guestpass/core'
import type { Db } from './database.ts'

export interface LeaseAsk {
  readonly connection: string
  readonly name: string
  readonly holder: string
  readonly ms: Millis
}

export async function lease(db: Db, ask: LeaseAsk, now: Instant): Promise<LeaseAnswer> {
  const { connection, name, holder, ms } = ask
  const stands = await db
    .selectFrom('leases')
    .select(['holder', 'until', 'ms'])
    .where('connection', '=', connection)
    .where('name', '=', name)
    .executeTakeFirst()
  const { answer, lease: taken } = leased(stands, holder, ms, now)
  if (taken) {
    await db
      .insertInto('leases')
      .values({ connection, name, ...taken })
      .onConflict((conflict) => conflict.columns(['connection', 'name']).doUpdateSet(taken))
      .execute()
  }
  return answer
}

export async function release(db: Db, connection: string, name: string, holder: string): Promise<void> {
  await db
    .deleteFrom('leases')
    .where('connection', '=', connection)
    .where('name', '=', name)
    .where('holder', '=', holder)
    .execute()
}

async function bucketOf(db: Db, connection: string, lane: string): Promise<Bucket | undefined> {
  const row = await db
    .selectFrom('buckets')
    .select('state')
    .where('connection', '=', connection)
    .where('lane', '=', lane)
    .executeTakeFirst()
  return row && (JSON.parse(row.state) as Bucket)
}

async function keepBucket(db: Db, connection: string, lane: string, bucket: Bucket): Promise<void> {
  const state = JSON.stringify(bucket)
  await db
    .insertInto('buckets')
    .values({ connection, lane, state })
    .onConflict((conflict) => conflict.columns(['connection', 'lane']).doUpdateSet({ state }))
    .execute()
}

export async function reserve(
  db: Db,
  connection: string,
  lane: string,
  ask: PermitAsk,
  now: Instant,
): Promise<PermitAnswer> {
  const known = await bucketOf(db, connection, lane)
  const { answer, bucket } = reserved(known, ask, now)
  if (bucket !== known) await keepBucket(db, connection, lane, bucket)
  return answer
}

export async function learn(db: Db, connection: string, lane: string, lesson: Lesson, now: Instant): Promise<void> {
  await keepBucket(db, connection, lane, taught(await bucketOf(db, connection, lane), lesson, now))
}

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
