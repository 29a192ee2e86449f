import { escapeLiteral } from 'pg'
import type { Millis } from '@guestpass/core/store-kit'
import { withClient, within } from './clients.ts'
import { SERVER_MS } from './database-clock.ts'
import type { LastStatements } from './last-statements.ts'
import type { PgClient, PgPool } from './pool.ts'

/** Ids are kept for so long that no connection with an open transaction is left. In SQL. */
const KEPT = "extract(epoch from clock_timestamp() - interval '1 day') * 1000"

/**
 * Commits a transaction, and stores its id with it. In one round trip, and none of it takes effect if a part fails.
 * `last`: SQL that precedes the commit, and locks heads of chains last.
 */
export async function commitWithId(
  client: PgClient,
  connection: string,
  id: string | undefined,
  last: LastStatements,
): Promise<void> {
  const insert =
    id === undefined
      ? ''
      : `insert into commit_ids (connection, id, at, is_void) values (${escapeLiteral(connection)}, ${escapeLiteral(id)}, ${SERVER_MS}, 0); `
  const { command } = await client.query(`${last.tokens}${insert}${last.events}commit`)
  // The server answers COMMIT with ROLLBACK if a statement failed and its error was ignored.
  if (command !== 'COMMIT') throw new Error(`The transaction was rolled back: the server answered ${command}.`)
}

/**
 * Whether a transaction with an id took effect. It waits for a transaction that is still open. One that has not
 * stored its id can never do so afterwards, because the id is taken. It writes in any case, and so waits until a
 * synchronous standby has all that was written before.
 */
export async function settleCommit(pool: PgPool, connection: string, id: string, left: () => Millis): Promise<boolean> {
  return withClient(
    pool,
    async (client) => {
      const { rows } = await within(client, left).query(
        `insert into commit_ids (connection, id, at, is_void) values ($1, $2, ${SERVER_MS}, 1)
          on conflict (connection, id) do update set at = excluded.at returning is_void`,
        [connection, id],
      )
      return (rows[0] as { readonly is_void: number } | undefined)?.is_void === 0
    },
    left,
  )
}

/** Deletes ids of a day ago and earlier. */
export async function sweepCommitIds(client: PgClient, most: number): Promise<void> {
  await client.query(
    `delete from commit_ids where (connection, id) in (
      select connection, id from commit_ids where at < ${KEPT} order by at limit $1 for update skip locked)`,
    [most],
  )
}
