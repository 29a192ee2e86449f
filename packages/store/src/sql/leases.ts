import { latestCredible, type Instant, type LeaseAnswer, type Millis } from '@guestpass/core/store-kit'
import { sql } from 'kysely'
import type { Db } from './database.ts'

export interface LeaseRequest {
  readonly connection: string
  readonly name: string
  readonly holder: string
  readonly ms: Millis
}

/** Takes or extends a lease. The statement returns no row if another holder has the lease. */
export async function takeLease(
  db: Db,
  { connection, name, holder, ms }: LeaseRequest,
  now: Instant,
): Promise<LeaseAnswer> {
  const taken = { holder, until: now + ms, ms }
  const granted = await db
    .insertInto('leases')
    .values({ connection, name, ...taken })
    .onConflict((conflict) =>
      conflict
        .columns(['connection', 'name'])
        .doUpdateSet(taken)
        .where((row) =>
          row.or([
            row('leases.holder', '=', holder),
            row('leases.until', '<=', now),
            // The clock went back. The lease is given up, because it saves work and protects no data.
            sql<boolean>`leases.until - leases.ms > ${latestCredible(now)}`,
          ]),
        ),
    )
    .returning('holder')
    .executeTakeFirst()
  if (granted) return { granted: true, endsInMs: ms }
  const current = await db
    .selectFrom('leases')
    .select('until')
    .where('connection', '=', connection)
    .where('name', '=', name)
    .executeTakeFirst()
  return { granted: false, endsInMs: Math.max(0, (current?.until ?? now) - now) }
}

export async function releaseLease(db: Db, connection: string, name: string, holder: string): Promise<void> {
  await db
    .deleteFrom('leases')
    .where('connection', '=', connection)
    .where('name', '=', name)
    .where('holder', '=', holder)
    .execute()
}
