import { setTimeout as sleep } from 'node:timers/promises'
import type { IssuedGuest } from '@guestpass/core'
import type { CreateReport, GivenGuest } from './creates/create-report.ts'
import { connectionOf } from './creates/persons.ts'
import { type EventClass, type EventPlan, createEventPlan } from './events/event-plan.ts'
import { endRun } from './run-state.ts'
import { faultScript } from './fault-script.ts'
import { guestsWithoutToken } from './guests-without-token.ts'
import type { Acknowledged, InvariantReport } from './invariant-report.ts'
import { createProcessPool } from './process-pool.ts'
import { programs } from './programs.ts'
import { seededRandom, type SeededRandom } from './random.ts'
import { createSnapshots, type TakeSnapshot } from './snapshot.ts'
import { type TestEnvironment, createTestEnvironment, type TestEnvironmentOptions } from './test-environment.ts'
import { type CrashRun, type WorkerOptions, workerLoops } from './workers.ts'

/** With a `bug`, the run ends as soon as the bug shows. */
interface CrashTestOptions extends TestEnvironmentOptions, WorkerOptions {
  /** How many events are to happen. */
  readonly events: number
  /** The classes of the events. */
  readonly mix: readonly EventClass[]
  readonly seed: number
  /** Ends the run early; the result covers it until then. */
  readonly signal?: AbortSignal | undefined
}

/** What a run did, and the violations that it found. */
export interface CrashTestResult extends Omit<InvariantReport, 'doubledRefreshes'> {
  /** One line for each guest of which a refresh took effect twice. */
  readonly doubledRefreshes: readonly string[]
  readonly creates: CreateReport
  readonly counts: EventPlan['counts']
  /** How many tokens were given to a worker. */
  readonly acknowledged: number
  /** How many guests were given to a worker. */
  readonly guestsGiven: number
  /** How many kills hit a worker in each phase of a refresh. */
  readonly killsAt: Readonly<Record<string, number>>
  readonly seconds: number
  /** How many workers ended by themselves with each error code. */
  readonly failures: Readonly<Record<string, number>>
  /** Guests that could not be given a valid token at the end. */
  readonly withoutToken: readonly string[]
  /** Processes that still run after they were killed. */
  readonly orphans: number
}

interface Run extends CrashRun {
  readonly options: CrashTestOptions
  readonly takeSnapshot: TakeSnapshot
  /** Violations that any snapshot has found. */
  readonly lost: Set<string>
  /** By guest. */
  readonly doubled: Map<string, string>
}

/** Time between two snapshots, in milliseconds. */
const SNAPSHOT_MS = 5_000

/**
 * Runs workers that refresh guest tokens and create guests, while the events happen. Then checks the
 * invariants on the requests that the upstream received, the store and its events.
 */
export async function crashTest(options: CrashTestOptions, print: (line: string) => void): Promise<CrashTestResult> {
  const startedAt = Date.now()
  const random = seededRandom(options.seed)
  const environment = await createTestEnvironment(options, random.fork('environment'))
  const run = await createRun(options, environment)
  options.signal?.addEventListener('abort', () => endRun(run))
  try {
    run.typicalMs = await measureOneShot(run)
    await Promise.all([
      ...workerLoops(run, random),
      environment.sharedFaults.inject(run, random),
      keepSignedIn(run),
      monitor(run, random.fork('faults'), startedAt, print),
    ])
    environment.upstream.script([])
    await checkInvariants(run)
    const withoutToken = options.bug ? [] : await guestsWithoutToken(environment)
    const { refreshes, creates } = await checkInvariants(run)
    return {
      ...refreshes,
      creates,
      lostTokens: [...run.lost],
      doubledRefreshes: [...run.doubled.values()],
      acknowledged: run.acknowledged.length,
      guestsGiven: run.given.length,
      counts: run.plan.counts,
      killsAt: run.killsAt,
      failures: run.failures,
      withoutToken,
      orphans: run.pool.leftOver(),
      seconds: (Date.now() - startedAt) / 1_000,
    }
  } finally {
    endRun(run)
    await run.pool.killAll()
    await environment.close()
  }
}

async function createRun(options: CrashTestOptions, environment: TestEnvironment): Promise<Run> {
  const { cwd, env } = environment
  const bug = options.bug === undefined ? {} : { CRASH_TEST_BUG: options.bug }
  return {
    options,
    environment,
    programs: await programs(cwd, { worker: 'creates/worker.ts', failPoints: 'fail-point-injection.ts' }),
    pool: createProcessPool(cwd, { ...env, ...bug }),
    plan: createEventPlan(options.events, options.mix),
    takeSnapshot: createSnapshots(environment),
    acknowledged: environment.issued.map(acknowledgedOf),
    given: [] as GivenGuest[],
    persons: { engagements: 0, 'external-users': 0 },
    lost: new Set(),
    doubled: new Map(),
    killsAt: {},
    failures: {},
    interrupted: [],
    typicalMs: 800,
    started: 0,
    over: Promise.withResolvers(),
    isOver: false,
  }
}

/** How long one call of the command line takes on this machine, in milliseconds. */
async function measureOneShot({ pool, environment: { sharedFaults, issued } }: Run): Promise<number> {
  const startedAt = Date.now()
  const argv = ['guest', 'token', issued[0]?.guestId ?? '', '--json']
  await pool.start(argv, [], sharedFaults.env(seededRandom(0))).ended
  return Date.now() - startedAt
}

const acknowledgedOf = ({ guestId, generation, token }: IssuedGuest): Acknowledged => ({
  guestId,
  generation,
  token: token.reveal(),
})

/** Signs the user in again when the sign-in has ended. */
async function keepSignedIn(run: Run): Promise<void> {
  const { environment, over } = run
  while (!run.isOver) {
    await Promise.race([sleep(500), over.promise])
    const { credential } = await environment.store.find(connectionOf('external-users'), 'grant')
    if (credential?.status === 'needs_reauth') await environment.signIn().catch(() => {})
  }
}

/** Scripts the faults of the upstream, takes snapshots, prints the progress, and ends the run. */
async function monitor(
  run: Run,
  random: SeededRandom,
  startedAt: number,
  print: (line: string) => void,
): Promise<void> {
  const scriptFaults = faultScript(run.environment.upstream, random)
  scriptFaults(0)
  while (!run.isOver) {
    await Promise.race([sleep(run.options.bug ? SNAPSHOT_MS / 2 : SNAPSHOT_MS), run.over.promise])
    const { refreshes, creates } = await checkInvariants(run)
    scriptFaults(refreshes.effects + creates.made)
    const seconds = Math.round((Date.now() - startedAt) / 1_000)
    print(
      `${String(seconds).padStart(5)} s ${String(run.plan.total).padStart(6)} events ${String(refreshes.effects).padStart(6)} refreshes ` +
        `${String(creates.made).padStart(6)} creates ${String(run.lost.size).padStart(3)} lost ${String(run.doubled.size).padStart(3)} doubled`,
    )
    if (run.plan.isDone || (run.options.bug && run.doubled.size + creates.doubled.length > 0)) endRun(run)
  }
}

/** Takes a snapshot. The result of the run keeps each violation that any snapshot has found. */
async function checkInvariants(run: Run): ReturnType<TakeSnapshot> {
  const { takeSnapshot, acknowledged, given, persons, lost, doubled } = run
  const report = await takeSnapshot(acknowledged, given, persons)
  for (const violation of report.refreshes.lostTokens) lost.add(violation)
  for (const { guestId, text } of report.refreshes.doubledRefreshes) doubled.set(guestId, text)
  return report
}
