import { Pool, type PoolClient, type QueryResult as DriverResult, types } from 'pg'
import type { Clock } from '@guestpass/core'
import type { Millis } from '@guestpass/core/store-kit'

/** The result of one statement. */
export interface StatementResult {
  readonly command: string
  readonly rowCount: number | null
  readonly rows: readonly unknown[]
}

/** A connection to the server, from `connect` until `release`. */
export interface PgClient {
  /**
   * Runs a statement. Without `values`, the text may hold several; then the result is that of the last one. Rejects
   * after `withinMs`, by default `answerMs` of the pool. It may take effect all the same.
   */
  query(text: string, values?: readonly unknown[], withinMs?: Millis): Promise<StatementResult>
  /** Gives the connection back. `isBroken`: it is closed. */
  release(isBroken: boolean): void
}

/** Connections to one server. */
export interface PgPool {
  /** Waits for a free connection, at most `withinMs`; by default `waitMs`. Rejects with an error of the driver. */
  connect(withinMs?: Millis): Promise<PgClient>
  close(): Promise<void>
}

/** What a pool is made of. */
export interface PoolOptions {
  readonly url: string
  readonly poolSize: number
  readonly waitMs: Millis
  /** Measures the waits for a connection. */
  readonly clock: Clock
  /** How long a statement may take before its connection is given up, in milliseconds. */
  readonly answerMs: Millis
}

/** The type of `bigint`, also of `count(*)`. */
const INT8 = 20

/** Reads `bigint` as a number: all numbers of the store are safe integers. Other pools of the process are unchanged. */
const getTypeParser: typeof types.getTypeParser = ((oid: number, format?: 'text') =>
  oid === INT8 && format !== ('binary' as string)
    ? Number
    : types.getTypeParser(oid, format)) as typeof types.getTypeParser

/**
 * The address with the name of what the driver does for these modes: it checks the certificate of the server. It warns
 * of each other name on standard error.
 */
const withNamedMode = (url: string): string =>
  url.replace(/([?&]sslmode=)(?:prefer|require|verify-ca)(?=&|$)/, '$1verify-full')

/** Creates the pool of a process. Nothing is connected yet. */
export function createPool({ url, poolSize, waitMs, answerMs, clock }: PoolOptions): PgPool {
  const pool = new Pool({
    connectionString: withNamedMode(url),
    max: poolSize,
    application_name: 'guestpass',
    keepAlive: true,
    // Statements of several writes share round trips.
    pipeline: true,
    connectionTimeoutMillis: waitMs,
    // On this side, because a server that is gone stops no statement.
    query_timeout: answerMs,
    types: { getTypeParser },
  })
  // Without a listener, a connection that the server closes ends the process.
  pool.on('error', () => {})
  pool.on('connect', (client) => client.on('error', () => {}))
  return {
    connect: async (withinMs) => clientOf(await connectWithin(pool, withinMs ?? waitMs, clock)),
    close: () => pool.end(),
  }
}

/** The pool itself waits for the same time for all callers. One that came too late goes to the next caller. */
async function connectWithin(pool: Pool, ms: Millis, clock: Clock): Promise<PoolClient> {
  const connecting = pool.connect()
  const waiting = new AbortController()
  const late = clock.sleep(ms, waiting.signal).then(() => {
    throw new Error('timeout exceeded when trying to connect')
  })
  try {
    return await Promise.race([connecting, late])
  } catch (thrown) {
    void connecting.then(
      (client) => client.release(),
      () => {},
    )
    throw thrown
  } finally {
    waiting.abort()
    late.catch(() => {})
  }
}

const clientOf = (client: PoolClient): PgClient => ({
  async query(text, values, withinMs) {
    const result = (await client.query({
      text,
      ...(values === undefined ? {} : { values: [...values] }),
      ...(withinMs === undefined ? {} : { query_timeout: Math.max(Math.ceil(withinMs), 1) }),
    })) as DriverResult | DriverResult[]
    return Array.isArray(result) ? (result.at(-1) as DriverResult) : result
  },
  release: (isBroken) => client.release(isBroken),
})
