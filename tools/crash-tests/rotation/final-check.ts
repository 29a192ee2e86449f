import { setTimeout as sleep } from 'node:timers/promises'
import { type ProcessPool, createProcessPool } from '../process-pool.ts'
import { seededRandom } from '../random.ts'
import type { TestEnvironment } from './test-environment.ts'
import type { TestedConnection } from './tested-connection.ts'

/** How workers with a right clock are served after the last event. */
export interface FinalCheck {
  /** Connections for which a worker got no token in time. */
  readonly unserved: number
  /** The longest time that a token took, in milliseconds. */
  readonly settledMs: number
}

/** How many workers run at the same time. */
const WORKERS = 8
/** Time between two looks at a worker, in milliseconds. */
const POLL_MS = 100

/**
 * Starts one worker with a right clock for each connection. Leases, claims and back-offs that other workers
 * left behind may delay it, each for its own length at most. A sign-in or guest that has ended is restarted.
 *
 * @param withinMs how long a worker may take to get a token, in milliseconds
 */
export async function checkServed(environment: TestEnvironment, withinMs: number): Promise<FinalCheck> {
  const pool = createProcessPool(environment.cwd, environment.env, environment.programs.worker)
  try {
    const times = await inParallel(environment.connections, (connection) =>
      timeToToken({ pool, environment, withinMs }, connection),
    )
    const served = times.filter((time) => time !== undefined)
    return { unserved: times.length - served.length, settledMs: Math.max(0, ...served) }
  } finally {
    await pool.killAll()
  }
}

/** Milliseconds until a worker printed a token; undefined if it printed none in time. */
async function timeToToken(
  parts: { readonly pool: ProcessPool; readonly environment: TestEnvironment; readonly withinMs: number },
  connection: TestedConnection,
): Promise<number | undefined> {
  const { pool, environment, withinMs } = parts
  const startedAt = Date.now()
  const { child } = pool.start([connection.name], [], environment.sharedFaults.env(seededRandom(connection.name)))
  let out = ''
  child.stdout?.on('data', (text: string) => {
    out += text
  })
  const isServed = (): boolean => out.includes('"token":')
  while (!isServed() && child.exitCode === null && Date.now() - startedAt < withinMs) {
    if (await connection.hasEnded()) await connection.restart()
    await sleep(POLL_MS)
  }
  child.kill('SIGKILL')
  return isServed() ? Date.now() - startedAt : undefined
}

async function inParallel<T, R>(all: readonly T[], work: (one: T) => Promise<R>): Promise<readonly R[]> {
  const waiting = [...all]
  const done: R[] = []
  const next = async (): Promise<void> => {
    for (let one = waiting.shift(); one !== undefined; one = waiting.shift()) done.push(await work(one))
  }
  await Promise.all(Array.from({ length: WORKERS }, next))
  return done
}
