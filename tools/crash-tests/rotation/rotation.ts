import { setTimeout as sleep } from 'node:timers/promises'
import type { Fault } from '@guestpass/sandbox'
import { type EventClass, type EventPlan, createEventPlan } from '../events/event-plan.ts'
import { workerClasses } from '../events/kill-plan.ts'
import type { UnsentFault } from '../events/network.ts'
import { endRun } from '../run-state.ts'
import type { FailPoint } from '../fail-points.ts'
import { createProcessPool } from '../process-pool.ts'
import type { RunDatabase } from '../run-database.ts'
import { seededRandom, type SeededRandom } from '../random.ts'
import { checkServed, type FinalCheck } from './final-check.ts'
import { type InvariantReport, invariantReport } from './invariant-report.ts'
import { unresolvedPhases, type Phase } from '../phases.ts'
import { type Profile, type TestEnvironment, createTestEnvironment } from './test-environment.ts'
import type { Api, TestedConnection } from './tested-connection.ts'
import { type RotationRun, runWorkers } from './workers.ts'

interface RotationOptions {
  readonly profile: Profile
  readonly apis: readonly [Api, ...Api[]]
  /** The run ends when so many events have happened and so many seconds have passed. */
  readonly events: number
  readonly mix: readonly EventClass[]
  /** What the store is on. Default `sqlite`. */
  readonly on?: RunDatabase | undefined
  readonly seconds: number
  /** Workers at the same time. */
  readonly processes: number
  /**
   * Each has a sign-in or a guest of its own. While the lease of a dead worker lasts, workers use the others.
   */
  readonly connections: number
  readonly seed: number
  /** Whether the upstream loses answers and fails now and then. */
  readonly faults: boolean
  /** The only fail point for pauses. Default any. */
  readonly pauseAt?: FailPoint | undefined
  /** How long a connection may take to be served at the end, in milliseconds. 0: that is not checked. */
  readonly settlingMs: number
  /** A bug that is built into the workers. The run ends as soon as it shows. Default none. */
  readonly bug?: string | undefined
}

/** What a run did, and the violations that it found. */
export interface RotationResult extends InvariantReport, FinalCheck {
  readonly counts: EventPlan['counts']
  /** Kills by the phase of a request. */
  readonly killsAt: Readonly<Partial<Record<Phase, number>>>
  /** Faults before the send, and the connections that they affected. */
  readonly unsent: Readonly<Partial<Record<UnsentFault, { readonly faults: number; readonly affected: number }>>>
  /** Tokens that workers printed. */
  readonly given: number
  /** Sign-ins and guests that were started again after they had ended. */
  readonly restarted: number
  /**
   * Doubts and ends that no lost answer explains, and no worker that died, was paused or had a wrong clock.
   */
  readonly withoutCause: number
  /** Errors that workers reported, by code. */
  readonly errors: Readonly<Record<string, number>>
  readonly seconds: number
}

interface Run extends RotationRun {
  readonly options: RotationOptions
  readonly unsent: Partial<Record<UnsentFault, { faults: number; affected: number }>>
  restarted: number
}

/**
 * Runs workers that refresh what their connections have, while the events happen. Then checks the invariants
 * on the requests that the upstream received, the store and its events.
 */
export async function rotation(options: RotationOptions, print: (line: string) => void): Promise<RotationResult> {
  const startedAt = Date.now()
  const random = seededRandom(options.seed)
  const environment = await createTestEnvironment(options)
  const run = createRun(options, environment)
  try {
    await Promise.all([
      monitor(run, random.fork('faults'), startedAt, print),
      environment.sharedFaults.inject(run, random, (kind, affected) => countUnsent(run, kind, affected)),
      ...environment.connections.map((connection) => restartEnded(run, connection)),
      ...Array.from({ length: options.processes }, (_, at) => runWorkers(run, random.fork(`worker ${at}`), at)),
    ])
    environment.upstream.script([])
    const report = await checkInvariants(run)
    const isServedChecked = options.events > 0 && options.settlingMs > 0
    return {
      ...report,
      ...(isServedChecked ? await checkServed(environment, options.settlingMs) : { unserved: 0, settledMs: 0 }),
      counts: run.plan.counts,
      killsAt: run.killsAt,
      unsent: run.unsent,
      errors: run.errors,
      given: run.given.length,
      restarted: run.restarted,
      withoutCause: withoutCause(run, report),
      seconds: (Date.now() - startedAt) / 1_000,
    }
  } finally {
    endRun(run)
    await run.pool.killAll()
    await environment.close()
  }
}

const createRun = (options: RotationOptions, environment: TestEnvironment): Run => ({
  options,
  environment,
  pool: createProcessPool(environment.cwd, environment.env, environment.programs.worker),
  plan: createEventPlan(options.events, options.events > 0 ? options.mix : []),
  given: [],
  errors: {},
  killsAt: {},
  unsent: {},
  disturbed: 0,
  started: 0,
  ready: 0,
  restarted: 0,
  isOver: false,
  over: Promise.withResolvers(),
})

/**
 * A paused worker may block all others, each in the middle of a refresh. One with a wrong clock may be killed
 * once. A full disk may keep each from recording that it sent nothing, but ends nothing.
 */
function withoutCause({ options, killsAt, disturbed, plan: { counts } }: Run, report: InvariantReport): number {
  const killed = unresolvedPhases.reduce((sum, phase) => sum + (killsAt[phase] ?? 0), 0)
  const paused = disturbed - Math.min(disturbed, counts.clock)
  const explained = report.lostAnswers + killed + paused * options.processes + counts.clock
  return Math.max(0, report.inDoubt - explained - counts.disk * options.processes, report.ended - explained)
}

function countUnsent({ unsent }: Run, kind: UnsentFault, affected: number): void {
  const before = unsent[kind] ?? { faults: 0, affected: 0 }
  unsent[kind] = { faults: before.faults + 1, affected: before.affected + affected }
}

async function checkInvariants({ environment, given }: Run): Promise<InvariantReport> {
  // The journal is read first: what the upstream did by then is in the store, as an intent or as tokens.
  const journal = environment.journal()
  const recordsOf = async ({ name, api, credentials, events }: TestedConnection) => ({
    name,
    api,
    credentials: await credentials(),
    events: await events(),
  })
  return invariantReport({ given, journal, connections: await Promise.all(environment.connections.map(recordsOf)) })
}

async function restartEnded(run: Run, connection: TestedConnection): Promise<void> {
  while (!run.isOver) {
    await sleep(200)
    if (!(await connection.hasEnded())) continue
    await connection.restart()
    run.restarted += 1
  }
}

/**
 * Doubts without a cause count only without kills, pauses and wrong clocks: what those explain is known at
 * the end.
 */
function showsBug(run: Run, report: InvariantReport): boolean {
  const hasDisturbed = run.options.mix.some((one) => workerClasses.some((other) => other === one))
  const violations = report.undeclared + report.silent + report.doubled + report.lost
  return violations > 0 || (!hasDisturbed && withoutCause(run, report) > 0)
}

/** Scripts the faults, prints the progress, and ends the run. */
async function monitor(
  run: Run,
  random: SeededRandom,
  startedAt: number,
  print: (line: string) => void,
): Promise<void> {
  const { options, plan } = run
  const scripted = { grant: 0, engagements: 0 }
  let countedFrom = startedAt
  let printedAt = Date.now()
  let shown = 0
  while (!run.isOver) {
    await sleep(200)
    scriptFaults(run, random, scripted)
    // The time counts from when all workers of a run without events are ready.
    if (options.events === 0 && run.ready < options.processes) countedFrom = Date.now()
    const seconds = (Date.now() - countedFrom) / 1_000
    if (Date.now() - printedAt > (options.bug ? 1_000 : 10_000)) {
      printedAt = Date.now()
      const report = await checkInvariants(run)
      print(progressLine(run, report, seconds))
      // A refresh under way can look like a violation for a moment. A bug shows twice in a row.
      shown = options.bug && showsBug(run, report) ? shown + 1 : 0
      if (shown === 2) endRun(run)
    }
    if (plan.isDone && seconds >= options.seconds) endRun(run)
  }
}

const OPERATIONS = { grant: 'token', engagements: 'refresh' } as const
/** How many answers are scripted ahead of the requests. */
const SCRIPTED_AHEAD = 100

function scriptFaults({ environment, options }: Run, random: SeededRandom, scripted: Record<Api, number>): void {
  const effect = options.faults ? upstreamFault : slowAnswer
  const wanted = environment.journal().length + SCRIPTED_AHEAD
  for (const api of options.apis) {
    for (; scripted[api] < wanted; scripted[api] += 1) {
      environment.upstream.script([{ on: OPERATIONS[api], do: effect(random) }])
    }
  }
}

/** Mostly successful: now and then slow, lost or failed. */
const upstreamFault = (random: SeededRandom): Fault['do'] =>
  random.weighted<() => Fault['do']>([
    [80, () => ({ delayMs: random.whole(0, 10) })],
    [8, () => ({ delayMs: random.whole(20, 200) })],
    [3, () => ({ drop: 'after' })],
    [3, () => ({ drop: 'before' })],
    [3, () => ({ status: 503 })],
    [2, () => ({ status: 500 })],
    [1, () => ({ status: 429, headers: { 'retry-after': '1' } })],
  ])()

const slowAnswer = (random: SeededRandom): Fault['do'] => ({ delayMs: random.whole(0, 40) })

const progressLine = ({ plan }: Run, { effects, inDoubt, undeclared, silent }: InvariantReport, seconds: number) =>
  `${seconds.toFixed(0).padStart(5)} s ${String(plan.total).padStart(6)} events ${String(effects).padStart(6)} refreshes ` +
  `${String(inDoubt).padStart(5)} in doubt ${String(undeclared).padStart(3)} undeclared ${String(silent).padStart(3)} silent`
