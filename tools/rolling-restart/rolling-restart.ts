import { setTimeout as sleep } from 'node:timers/promises'
import { seededRandom } from '../crash-tests/random.ts'
import { startInstances } from '../instances/start-instances.ts'
import type { Answers } from '../instances/traffic/answers.ts'
import { createTraffic } from '../instances/traffic/traffic.ts'
import { startPostgres } from '../postgres/server.ts'
import { startProxy } from './proxy.ts'

/** What is run. */
export interface RollingRestartAsk {
  /** How often each of the two instances is restarted. */
  readonly restarts: number
  /** Clients, each of which sends one request after the other over connections that are kept. */
  readonly clients: number
  /** Seconds that an instance goes on to answer after it was asked to stop. 0 is the seeded bug: requests must fail. */
  readonly drainSeconds: number
  /** The folder of the binaries of PostgreSQL. Default: the instances share a SQLite file. */
  readonly bin?: string | undefined
}

/** What came of it. */
export interface RollingRestart {
  readonly requests: number
  readonly restarts: number
  /** Answers other than 200 and 201 (409 for a request that was sent twice at once), and requests without an answer. */
  readonly failures: readonly string[]
  /** Exit codes of the instances other than 0. */
  readonly exits: readonly (number | null)[]
}

/** Longer than anything takes, in milliseconds: a request without an answer has failed. */
const PATIENCE = 30_000

/** Restarts two instances on one database in turn, behind HAProxy, while clients send requests. */
export async function rollingRestart(ask: RollingRestartAsk): Promise<RollingRestart> {
  const server = ask.bin === undefined ? undefined : await startPostgres(ask.bin)
  const env = { GUESTPASS_DRAIN_SECONDS: String(ask.drainSeconds) }
  const instances = await startInstances({ count: 2, env, ...(server ? { databaseUrl: server.url() } : {}) })
  const { all, folder, upstream } = instances
  const { url, child } = await startProxy(
    folder,
    all.map((one) => Number(new URL(one.url).port)),
  )
  await isAnswering(url)
  const traffic = createTraffic({
    urls: [url],
    clients: ask.clients,
    random: seededRandom('rolling restart'),
    channelId: upstream.channelId,
    only: ['guestTokens', 'token', 'list'],
    lives: [600, 600],
    patienceMs: [PATIENCE],
  })
  try {
    await traffic.isFlowing(20)
    const exits: (number | null)[] = []
    for (let nth = 0; nth < ask.restarts; nth += 1)
      for (const instance of all) {
        exits.push(await instance.restart())
        // The load balancer looks five times a second.
        await sleep(500)
        await traffic.isFlowing(20)
      }
    await traffic.end()
    const { answers } = traffic
    return {
      requests: answers.requests,
      failures: failuresOf(answers),
      restarts: exits.length,
      exits: exits.filter((code) => code !== 0),
    }
  } finally {
    await traffic.end()
    child.kill('SIGKILL')
    await instances.close()
    await server?.stop()
  }
}

/** Waits until the load balancer takes requests. */
async function isAnswering(url: string): Promise<void> {
  const isOpen = (): Promise<boolean> =>
    fetch(`${url}/livez`).then(
      ({ ok }) => ok,
      () => false,
    )
  while (!(await isOpen())) await sleep(50)
}

/** Some requests are sent twice at the same time. The second one is refused while the first one runs. */
const isExpected = (status: string): boolean => status.startsWith('2') || status === '409 request_in_progress'

const failuresOf = ({ statuses, unanswered }: Answers): readonly string[] => [
  ...Object.entries(statuses).flatMap(([status, count]) =>
    isExpected(status) ? [] : Array.from({ length: count }, () => status),
  ),
  ...Array.from({ length: unanswered }, () => 'no answer'),
]
