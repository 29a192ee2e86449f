import { isOutage } from './errors.ts'
import type { PgClient, PgPool } from './pool.ts'

/** Runs work on a client of the pool, and gives the client back. A client that met an outage is closed. */
export async function withClient<T>(pool: PgPool, work: (client: PgClient) => Promise<T>): Promise<T> {
  const client = await pool.connect()
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

/** Ends a transaction that failed. A client that does not answer is useless. */
const cannotRollBack = (client: PgClient): Promise<boolean> =>
  client.query('rollback').then(
    () => false,
    () => true,
  )
