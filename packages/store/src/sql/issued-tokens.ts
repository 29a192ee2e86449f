import { DAY, type Instant, type IssuedToken } from '@guestpass/core/store-kit'
import type { Db } from './database.ts'
import { inGroups } from './rows.ts'
import { transactionState } from './transaction-state.ts'

/** Remembers tokens at the end of the transaction. A denied token stays denied. */
export function rememberTokens(db: Db, connection: string, tokens: readonly IssuedToken[]): void {
  const memory = transactionState(db)
  memory.expiring += tokens.length
  for (const { credential, fingerprint, expiresAt } of tokens) {
    // The last of each, because one statement may not write a row twice.
    const row = { connection, fingerprint, credential, expires_at: expiresAt, denied: 0 }
    memory.issued.set(`${connection.length}:${connection}${fingerprint}`, row)
  }
}

/** Writes the tokens that the transaction remembered. */
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

/**
 * Deletes at most `most` tokens that expired a day ago or earlier. The day protects denials from a clock that
 * is set forward.
 */
export async function sweepIssuedTokens(db: Db, most: number, now: Instant): Promise<void> {
  await db
    .deleteFrom('issued')
    .where((where) => {
      const expired = where
        .selectFrom('issued')
        .select(['connection', 'fingerprint'])
        .where('expires_at', '<=', now - DAY)
        .limit(most)
        .forUpdate()
        .skipLocked()
      return where.eb(where.refTuple('connection', 'fingerprint'), 'in', expired.$asTuple('connection', 'fingerprint'))
    })
    .execute()
}

/** Denies all tokens of a credential that were remembered before. */
export async function denyTokens(db: Db, connection: string, credential: string): Promise<void> {
  // Tokens that the same transaction remembered before are denied too.
  await writeRememberedTokens(db)
  await db
    .updateTable('issued')
    .set({ denied: 1 })
    .where('connection', '=', connection)
    .where('credential', '=', credential)
    .execute()
}

/** The entry of a token; undefined if there is none, or the token has expired. */
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
