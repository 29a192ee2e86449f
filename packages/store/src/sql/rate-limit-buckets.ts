import {
  applyFeedback,
  type Bucket,
  type Instant,
  type PermitAnswer,
  type PermitRequest,
  type RateLimitFeedback,
  type RateLimitState,
  rateLimitState as stateOfBucket,
  reservePermits as reserveInBucket,
} from '@guestpass/core/store-kit'
import type { Db } from './database.ts'

const parsedBucket = (state: string | undefined): Bucket | undefined =>
  state === undefined ? undefined : (JSON.parse(state) as Bucket)

const stateQuery = (db: Db, connection: string, key: string) =>
  db.selectFrom('buckets').select('state').where('connection', '=', connection).where('lane', '=', key)

const readState = async (db: Db, connection: string, key: string): Promise<string | undefined> =>
  (await stateQuery(db, connection, key).executeTakeFirst())?.state

/** Reads a bucket and locks it, so that no other process changes it meanwhile. */
const lockState = async (db: Db, connection: string, key: string): Promise<string | undefined> =>
  (await stateQuery(db, connection, key).forUpdate().executeTakeFirst())?.state

/** Replaces a bucket. False if another process has made or changed it since `before` was read. */
async function writeBucket(
  db: Db,
  connection: string,
  key: string,
  before: string | undefined,
  bucket: Bucket,
): Promise<boolean> {
  const state = JSON.stringify(bucket)
  const kept = await db
    .insertInto('buckets')
    .values({ connection, lane: key, state })
    .onConflict((conflict) =>
      before === undefined
        ? conflict.columns(['connection', 'lane']).doNothing()
        : conflict.columns(['connection', 'lane']).doUpdateSet({ state }).where('buckets.state', '=', before),
    )
    .returning('lane')
    .executeTakeFirst()
  return kept !== undefined
}

/** Changes a bucket. If another process changes it in the meantime, computes the change again. */
async function changeBucket<T>(
  db: Db,
  connection: string,
  key: string,
  change: (known: Bucket | undefined) => { readonly answer: T; readonly bucket: Bucket },
): Promise<T> {
  for (;;) {
    const before = await lockState(db, connection, key)
    const known = parsedBucket(before)
    const { answer, bucket } = change(known)
    if (bucket === known || (await writeBucket(db, connection, key, before, bucket))) return answer
  }
}

/** Reserves permits in a bucket. */
export const reservePermits = (
  db: Db,
  connection: string,
  key: string,
  request: PermitRequest,
  now: Instant,
): Promise<PermitAnswer> => changeBucket(db, connection, key, (known) => reserveInBucket(known, request, now))

/** Reads what a bucket allows. */
export const readRateLimitState = async (
  db: Db,
  connection: string,
  key: string,
  limit: Pick<PermitRequest, 'perMinute' | 'burst'>,
  now: Instant,
): Promise<RateLimitState> => stateOfBucket(parsedBucket(await readState(db, connection, key)), limit, now)

/** Adapts a bucket to the rate-limit feedback of a response. */
export const recordFeedback = (
  db: Db,
  connection: string,
  key: string,
  feedback: RateLimitFeedback,
  now: Instant,
): Promise<void> =>
  changeBucket(db, connection, key, (known) => ({ answer: undefined, bucket: applyFeedback(known, feedback, now) }))
