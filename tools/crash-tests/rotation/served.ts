import { setTimeout as sleep } from 'node:timers/promises'
import { processPool } from '../process-pool.ts'
import { seededRandom } from '../random.ts'
import type { Kept, TestEnvironment } from './test-environment.ts'

/** What right workers are given when all is over. */
export interface Served {
  /** Connections for which no token was given in time. */
  readonly unserved: number
  /** The longest that a token took, in milliseconds. */
  readonly settledMs: number
}

/** Workers at the same time, and how often each is looked at, in milliseconds. */
const WORKERS = 8
const GLANCE_MS = 100

/**
 * Starts one worker with a right clock for each connection: what others left behind, as leases, claims and back-offs, must hold it up
 * no longer than its own span. What has ended is begun again.
 */
export async function served(environment: TestEnvironment, withinMs: number): Promise<Served> {
  const workers = processPool(environment.cwd, environment.env, environment.programs.worker)
  const one = async (kept: Kept): Promise<number | undefined> => {
    const begun = Date.now()
    const { child } = workers.start([kept.name], [], environment.around.env(seededRandom(kept.name)))
    let out = ''
    child.stdout?.on('data', (text: string) => {
      out += text
    })
    const isServed = (): boolean => out.includes('"token":')
    while (!isServed() && child.exitCode === null && Date.now() - begun < withinMs) {
      if (await kept.hasEnded()) await kept.begin()
      await sleep(GLANCE_MS)
    }
    child.kill('SIGKILL')
    return isServed() ? Date.now() - begun : undefined
  }
  try {
    const times = await atOnce(environment.connections, one)
    const waits = times.filter((time) => time !== undefined)
    return { unserved: times.length - waits.length, settledMs: Math.max(0, ...waits) }
  } finally {
    await workers.killAll()
  }
}

async function atOnce<T, R>(all: readonly T[], work: (one: T) => Promise<R>): Promise<readonly R[]> {
  const waiting = [...all]
  const done: R[] = []
  const next = async (): Promise<void> => {
    for (let one = waiting.shift(); one !== undefined; one = waiting.shift()) done.push(await work(one))
  }
  await Promise.all(Array.from({ length: WORKERS }, next))
  return done
}
