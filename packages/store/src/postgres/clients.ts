import type { Millis } from '@guestpass/core/store-kit'
import { isOutage } from './errors.ts'
import type { PgClient, PgPool } from './pool.ts'

/**
 * Runs work on a client of the pool, and gives the client back. A client that met an outage is closed. `left`: how
 * long the caller still waits for a client.
 */
export async function withClient<T>(
  pool: PgPool,
  work: (client: PgClient) => Promise<T>,
  left?: () => Millis,
): Promise<T> {
  const client = await pool.connect(left?.())
  let isBroken = false
  try {
    return await work(client)
  } catch (thrown) {
    isBroken = isOutage(thrown) || (await cannotRollBack(client))
    throw thrown
  } finally {
    client.release(isBroken)
  }
}

/** The client with statements that wait no longer than `left`. */
export const within = (client: PgClient, left: () => Millis): PgClient => ({
  ...client,
  query: (text, values) => client.query(text, values, left()),
})

/** The same for its first statement. A server that has answered is not gone: the next ones may take longer. */
export function firstWithin(client: PgClient, left: () => Millis): PgClient {
  let hasAnswered = false
  return {
    ...client,
    async query(text, values) {
      const result = await client.query(text, values, hasAnswered ? undefined : left())
      hasAnswered = true
      return result
    },
  }
}

/** Ends a transaction that failed. A client that does not answer is useless. */
const cannotRollBack = (client: PgClient): Promise<boolean> =>
  client.query('rollback').then(
    () => false,
    () => true,
  )
