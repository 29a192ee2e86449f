import { setTimeout as sleep } from 'node:timers/promises'
import { seededRandom } from '../crash-tests/random.ts'
import { type FinalCheck, finalCheck } from '../instances/final-check/final-check.ts'
import type { Instance } from '../instances/instance.ts'
import { firstTime } from '../instances/readiness.ts'
import { signIn } from '../instances/sign-in.ts'
import { apiKeys, type Instances, startInstances } from '../instances/start-instances.ts'
import { createTraffic, type Traffic } from '../instances/traffic/traffic.ts'
import { addStandby, type FollowedDatabase, killPrimary, startDatabase } from './database.ts'
import { outageKinds, type OutageKind, type OutageName } from './kinds.ts'
import { type ProbeAnswer, probe } from './probe.ts'

/** How the service went through one outage. */
export interface Outage {
  readonly name: OutageName
  /** Milliseconds from the outage until `/readyz` said so; undefined: it did not. */
  readonly downMs: number | undefined
  /** Milliseconds from the end of the outage until `/readyz` answered 200; undefined: it did not. */
  readonly upMs: number | undefined
  /** A request that was sent when the outage began. */
  readonly answer: ProbeAnswer
  readonly isLong: boolean
}

/** What a run came to. */
export interface OutagesRun extends FinalCheck {
  readonly outages: readonly Outage[]
  /** Answers by status, and code of the problem. */
  readonly statuses: Readonly<Record<string, number>>
  /** Whether the process is the one that was started. */
  readonly isSameProcess: boolean
}

export interface OutagesOptions {
  readonly bin: string
  readonly seed: number
  readonly names: readonly OutageName[]
  /** How often each of them happens. */
  readonly times: number
  /** Whether one more of each lasts longer than calls wait for the database. */
  readonly withLong: boolean
}

/** Longer than `/readyz` may take to follow. In milliseconds. */
const SHORT_MS = 2_500
/** Longer than a call waits for the database. In milliseconds. */
const LONG_MS = 14_000
const MOST_MS = 15_000
const CLIENTS = 4
const SETTLE_MS = 60_000

interface Run {
  readonly database: FollowedDatabase
  readonly instances: Instances
  readonly instance: Instance
  readonly traffic: Traffic
}

/** Runs one instance under load on a database. */
async function onDatabase<T>(bin: string, seed: number, work: (run: Run) => Promise<T>): Promise<T> {
  const database = await startDatabase(bin)
  try {
    const instances = await startInstances({ count: 1, databaseUrl: database.url })
    try {
      const [instance] = instances.all
      if (!instance) throw new Error('There is no instance.')
      await signIn(instance.url, apiKeys.operator)
      const traffic = createTraffic({
        urls: [instance.url],
        clients: CLIENTS,
        random: seededRandom(seed),
        channelId: instances.upstream.channelId,
        // Longer than calls wait for the database, so that clients see its answers.
        patienceMs: [MOST_MS],
      })
      return await work({ database, instances, instance, traffic })
    } finally {
      await instances.close()
    }
  } finally {
    await database.close()
  }
}

/** Lets the database of a service under load fail in each way, again and again. */
export const runOutages = ({ bin, seed, names, times, withLong }: OutagesOptions): Promise<OutagesRun> =>
  onDatabase(bin, seed, async (run) => {
    const pid = run.instance.pid()
    const outages: Outage[] = []
    for (const name of names) {
      for (let nth = 0; nth < times; nth += 1) outages.push(await outage(run, name, SHORT_MS))
      if (withLong) outages.push(await outage(run, name, LONG_MS))
    }
    const isSameProcess = run.instance.pid() === pid && run.instance.starts() === 1
    const found = await finalCheck(run.instances, run.traffic, { settleMs: SETTLE_MS })
    return { ...found, outages, isSameProcess, statuses: run.traffic.answers.statuses }
  })

async function outage({ database, instance, traffic }: Run, name: OutageName, holdMs: number): Promise<Outage> {
  const kind: OutageKind = outageKinds[name]
  await kind.prepare?.(database)
  await traffic.isFlowing(10)
  const looking = new AbortController()
  const wentDown = firstTime(instance, false, looking.signal)
  const end = await kind.begin(database, holdMs)
  if (kind.isCrash) traffic.answers.crashes += 1
  const beganAt = Date.now()
  const probed = probe(instance.url)
  await sleep(Math.max(0, beganAt + holdMs - Date.now()))
  await end()
  const endedAt = Date.now()
  looking.abort()
  const upAt = await firstTime(instance, true, AbortSignal.timeout(MOST_MS))
  const downAt = await wentDown
  return {
    name,
    downMs: downAt === undefined ? undefined : Math.max(0, downAt - beganAt),
    upMs: upAt === undefined ? undefined : upAt - endedAt,
    answer: await probed,
    isLong: holdMs === LONG_MS,
  }
}

/**
 * Fails over to an asynchronous standby that lacks the latest commits. The final check must find that acknowledged
 * work is lost.
 */
export const runLossyFailover = (bin: string, seed: number): Promise<FinalCheck> =>
  onDatabase(bin, seed, async ({ database, instances, traffic }) => {
    await addStandby(database, false)
    await traffic.isFlowing(20)
    database.standby?.replication.hold()
    await traffic.isFlowing(40)
    await (await killPrimary(database))()
    await traffic.isFlowing(20)
    return finalCheck(instances, traffic, { settleMs: 0 })
  })
