import { DAY, type Instant, type Issued } from '@guestpass/core'
import type { Db } from './database.ts'

/** Rows that one commit clears away, so that none takes long. */
const SWEEP = 64

/** Remembers tokens. One that was denied stays denied. */
export async function remember(db: Db, connection: string, tokens: readonly Issued[], now: Instant): Promise<void> {
  for (const { credential, fingerprint, expiresAt } of tokens) {
    const row = { credential, expires_at: expiresAt }
    await db
      .insertInto('issued')
      .values({ connection, fingerprint, ...row, denied: 0 })
      .onConflict((conflict) => conflict.columns(['connection', 'fingerprint']).doUpdateSet(row))
      .execute()
  }
  if (tokens.length > 0) await sweep(db, Math.max(SWEEP, tokens.length * 2), now)
}

/** Forgets expired tokens: a day late, so that a clock set forward by mistake does not forget a denial. */
async function sweep(db: Db, most: number, now: Instant): Promise<void> {
  await db
    .deleteFrom('issued')
    .where((where) => {
      const expired = where
        .selectFrom('issued')
        .select(['connection', 'fingerprint'])
        .where('expires_at', '<=', now - DAY)
        .limit(most)
      return where.eb(where.refTuple('connection', 'fingerprint'), 'in', expired.$asTuple('connection', 'fingerprint'))
    })
    .execute()
}

export async function deny(db: Db, connection: string, credential: string): Promise<void> {
  await db
    .updateTable('issued')
    .set({ denied: 1 })
    .where('connection', '=', connection)
    .where('credential', '=', credential)
    .execute()
}

/** What is remembered of a token that has not yet expired. */
export const living = (
  db: Db,
  connection: string,
  fingerprint: string,
  now: Instant,
): Promise<{ readonly denied: number } | undefined> =>
  db
    .selectFrom('issued')
    .select('denied')
    .where('connection', '=', connection)
    .where('fingerprint', '=', fingerprint)
    .where('expires_at', '>', now)
    .executeTakeFirst()
