import { setTimeout as sleep } from 'node:timers/promises'
import { seededRandom, type SeededRandom } from '../crash-tests/random.ts'
import { type PostgresServer, startPostgres } from '../postgres/server.ts'
import { createDisturbances, type Disturbances } from './disturbances.ts'
import { type FinalCheck, finalCheck } from './final-check/final-check.ts'
import { type FollowedRestart, restartDatabase } from './readiness.ts'
import { keepSignedIn, signIn } from './sign-in.ts'
import { apiKeys, type Instances, startInstances } from './start-instances.ts'
import type { Answers } from './traffic/answers.ts'
import { createTraffic } from './traffic/traffic.ts'

/** What is run. */
export interface InstancesRunOptions {
  /** The folder of the binaries of PostgreSQL. */
  readonly bin: string
  readonly seconds: number
  readonly seed: number
  readonly instances: number
  readonly clients: number
  /** The shortest and the longest time between two kills or pauses, in milliseconds. */
  readonly everyMs: readonly [number, number]
  /** The shortest and the longest pause, in milliseconds. */
  readonly pauseMs: readonly [number, number]
  /** The shortest and the longest time for which the database is down, in milliseconds. */
  readonly downMs: readonly [number, number]
  /** How long an instance is paused from the last seconds on, in milliseconds; 0: it is not. */
  readonly longPauseMs: number
  /** How long to wait at the end for what is open, in milliseconds. */
  readonly settleMs: number
  /** The program of the instances. Default: the command of these sources. */
  readonly entry?: string | undefined
}

/** What a run came to. */
export interface InstancesRun extends FinalCheck {
  readonly kills: number
  readonly pauses: number
  readonly restarts: readonly FollowedRestart[]
  /** Answers by status. */
  readonly statuses: Readonly<Record<string, number>>
  readonly signIns: number
  /** Ends of instances that nothing here caused. */
  readonly ownEnds: readonly string[]
  readonly seconds: number
}

/** Lifetimes of the tokens of the upstream, in seconds. Keepers renew those of guests meanwhile. */
const UPSTREAM = {
  accessTokenSeconds: 60,
  engagementTokenSeconds: 60,
  externalUserDuplicates: 'make',
  externalUserTokenSeconds: 86_400,
} as const

/** The long pause begins so many milliseconds before the end, so that its end meets a service that went on. */
const LONG_PAUSE_BEFORE_END = 5_000

/** Runs instances on one PostgreSQL database while they are killed and paused, and the database is restarted twice. */
export async function runInstances(options: InstancesRunOptions): Promise<InstancesRun> {
  const startedAt = Date.now()
  const random = seededRandom(options.seed)
  // fsync is on, so that a power cut loses nothing that was acknowledged.
  const server = await startPostgres(options.bin, {})
  try {
    const instances = await startInstances({
      count: options.instances,
      databaseUrl: server.url(),
      upstream: UPSTREAM,
      // No load balancer must notice that an instance stops.
      env: { GUESTPASS_DRAIN_SECONDS: '0' },
      entry: options.entry,
    })
    try {
      const found = await disturbedRun(instances, server, random, options)
      return { ...found, seconds: (Date.now() - startedAt) / 1_000 }
    } finally {
      await instances.close()
    }
  } finally {
    await server.stop()
  }
}

async function disturbedRun(
  instances: Instances,
  server: PostgresServer,
  random: SeededRandom,
  options: InstancesRunOptions,
): Promise<Omit<InstancesRun, 'seconds'>> {
  const urls = instances.all.map(({ url }) => url)
  await signIn(urls[0] ?? '', apiKeys.operator)
  const traffic = createTraffic({
    urls,
    clients: options.clients,
    random: random.fork('traffic'),
    channelId: instances.upstream.channelId,
  })
  await traffic.isFlowing(20)
  const over = new AbortController()
  const signingIn = keepSignedIn(urls, apiKeys.operator, over.signal)
  const disturbances = createDisturbances(instances.all, random.fork('disturbances'), options)
  const { answers } = traffic
  const { restarts, longPause } = await schedule({ server, disturbances, answers, random, options })
  const pauses = Promise.all([disturbances.end(), longPause])
  const found = await finalCheck(instances, traffic, { settleMs: options.settleMs, pauses })
  over.abort()
  const ownEnds = instances.all.flatMap((one) => one.ownEnds)
  return {
    ...found,
    ...disturbances.counts,
    restarts,
    statuses: traffic.answers.statuses,
    signIns: await signingIn,
    ownEnds,
  }
}

interface ScheduleParts {
  readonly server: PostgresServer
  readonly disturbances: Disturbances
  readonly answers: Answers
  readonly random: SeededRandom
  readonly options: InstancesRunOptions
}

/** Restarts the database after a third and after two thirds of the time. Resolves when the time is over. */
async function schedule({ server, disturbances, answers, random, options }: ScheduleParts) {
  const { seconds, longPauseMs } = options
  const startedAt = Date.now()
  const at = (ms: number): Promise<void> => sleep(Math.max(0, startedAt + ms - Date.now()))
  const whole = seconds * 1_000
  const restarts: FollowedRestart[] = []
  for (const [nth, how] of (['fast', 'immediate'] as const).entries()) {
    await at((whole * (nth + 1)) / 3)
    const downMs = random.between(...options.downMs)
    const restart = disturbances.sparing((spared) => {
      const followed = restartDatabase(server, spared, { how, downMs })
      if (how === 'immediate') answers.crashes += 1
      return followed
    })
    restarts.push(await restart)
  }
  await at(whole - LONG_PAUSE_BEFORE_END)
  const longPause = longPauseMs > 0 ? disturbances.pauseLong(longPauseMs) : Promise.resolve()
  await at(whole)
  return { restarts, longPause }
}
