import { DAY, type Instant, type IssuedToken } from '@guestpass/core/store-kit'
import type { Db } from './database.ts'
import { inGroups } from './rows.ts'
import { transactionState } from './transaction-state.ts'

/** Remembers tokens, at the end of the transaction. One that was denied stays denied. */
export function rememberTokens(db: Db, connection: string, tokens: readonly IssuedToken[]): void {
  const memory = transactionState(db)
  memory.expiring += tokens.length
  for (const { credential, fingerprint, expiresAt } of tokens) {
    // The last of each: one statement may not write a row twice.
    const row = { connection, fingerprint, credential, expires_at: expiresAt, denied: 0 }
    memory.issued.set(`${connection.length}:${connection}${fingerprint}`, row)
  }
}

/** Writes the tokens that the transaction is to remember. */
export async function writeRememberedTokens(db: Db): Promise<void> {
  const { issued } = transactionState(db)
  for (const group of inGroups([...issued.values()])) {
    await db
      .insertInto('issued')
      .values(group)
      .onConflict((conflict) =>
        conflict.columns(['connection', 'fingerprint']).doUpdateSet(({ ref }) => ({
          credential: ref('excluded.credential'),
          expires_at: ref('excluded.expires_at'),
        })),
      )
      .execute()
  }
  issued.clear()
}

/** Forgets expired tokens, so many at most: a day late, so that a clock set forward by mistake does not forget a denial. */
export async function sweepIssuedTokens(db: Db, most: number, now: Instant): Promise<void> {
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

export async function denyTokens(db: Db, connection: string, credential: string): Promise<void> {
  // Those that came before in the same transaction are denied too.
  await writeRememberedTokens(db)
  await db
    .updateTable('issued')
    .set({ denied: 1 })
    .where('connection', '=', connection)
    .where('credential', '=', credential)
    .execute()
}

/** What is remembered of a token that has not yet expired. */
export const findIssuedToken = (
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
