import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import type { Fault } from '@guestpass/sandbox'
import { processPool, type Ended } from '../process-pool.ts'
import {
  classesOf,
  type KillPlan,
  createKillPlan,
  applyKillPlan,
  ownPoint,
  workerClasses,
} from '../events/kill-plan.ts'
import { type EventClass, type EventPlan, createEventPlan } from '../events/event-plan.ts'
import type { UnsentFault } from '../events/network.ts'
import { end, type RunState, injectSharedFaults } from '../events/shared-faults.ts'
import { clockEnv, stepClock } from '../events/wrong-clock.ts'
import { seededRandom, type SeededRandom } from '../random.ts'
import { injectionModule, AT_POINT, type FailPoint } from '../fail-points.ts'
import { type InvariantReport, invariantReport, type Given } from './invariant-report.ts'
import { between, type Phase, phaseOf } from './phases.ts'
import { type Api, type Kept, type Profile, type TestEnvironment, testEnvironment } from './test-environment.ts'
import { served } from './served.ts'

export interface RotationOptions {
  readonly profile: Profile
  readonly apis: readonly [Api, ...Api[]]
  /** Ends when so many events have happened and so many seconds have passed. */
  readonly events: number
  readonly mix: readonly EventClass[]
  readonly seconds: number
  readonly processes: number
  /** Each with a sign-in or a guest of its own: while a dead worker's lease holds one up, others are worked on. */
  readonly connections: number
  readonly seed: number
  /** Whether upstream loses answers and fails now and then. */
  readonly faults: boolean
  /** The only point for pauses; default any. */
  readonly pauseAt?: FailPoint | undefined
  /** How long a connection may take to be served at the end, in milliseconds; 0: that is not tried. */
  readonly settlingMs: number
  /** Breaks the workers on purpose; the run ends when that has shown. */
  readonly bug?: string | undefined
}

export interface Outcome extends InvariantReport {
  readonly counts: EventPlan['counts']
  /** Kills by the phase of a request. */
  readonly killsAt: Readonly<Partial<Record<Phase, number>>>
  /** Faults before the send, and the connections that they affected. */
  readonly unsent: Readonly<Partial<Record<UnsentFault, { readonly faults: number; readonly affected: number }>>>
  readonly given: number
  readonly begun: number
  /** Doubts and ends for which there is no lost answer, and no worker that died or stood still or had a wrong clock. */
  readonly unfounded: number
  /** Connections that right workers are not served for at the end, and the longest that one took, in milliseconds. */
  readonly unserved: number
  readonly settledMs: number
  /** Errors that workers reported, by code. */
  readonly errors: Readonly<Record<string, number>>
  readonly seconds: number
}

interface Run extends RunState {
  readonly options: RotationOptions
  readonly environment: TestEnvironment
  readonly given: Given[]
  readonly errors: Record<string, number>
  readonly killsAt: Partial<Record<Phase, number>>
  readonly unsent: Partial<Record<UnsentFault, { faults: number; affected: number }>>
  /** Workers that were stopped from outside in any way. */
  disturbed: number
  started: number
  /** Workers that have answered once. */
  ready: number
  begun: number
}

/** Mostly successful: now and then slow, lost or failed. */
const upstreamFaults = (random: SeededRandom): Fault['do'] =>
  random.weighted<() => Fault['do']>([
    [80, () => ({ delayMs: random.whole(0, 10) })],
    [8, () => ({ delayMs: random.whole(20, 200) })],
    [3, () => ({ drop: 'after' })],
    [3, () => ({ drop: 'before' })],
    [3, () => ({ status: 503 })],
    [2, () => ({ status: 500 })],
    [1, () => ({ status: 429, headers: { 'retry-after': '1' } })],
  ])()

const slowAnswers = (random: SeededRandom): Fault['do'] => ({ delayMs: random.whole(0, 40) })

/** Workers refresh what their connections have, over and over, while the events happen; says what came of it. */
export async function rotation(options: RotationOptions, say: (line: string) => void): Promise<Outcome> {
  const begun = Date.now()
  const random = seededRandom(options.seed)
  const place = await testEnvironment(options)
  const run: Run = {
    options,
    environment: place,
    pool: processPool(place.cwd, place.env, place.programs.worker),
    plan: createEventPlan(options.events, options.events > 0 ? options.mix : []),
    given: [],
    errors: {},
    killsAt: {},
    unsent: {},
    disturbed: 0,
    started: 0,
    ready: 0,
    begun: 0,
    isOver: false,
    over: Promise.withResolvers(),
  }
  try {
    await Promise.all([
      watch(run, random.fork('faults'), begun, say),
      injectSharedFaults(run, random, counting(run)),
      ...place.connections.map((one) => tended(run, one)),
      ...Array.from({ length: options.processes }, (_, at) => working(run, random.fork(`worker ${at}`), at)),
    ])
    place.upstream.script([])
    const found = await judged(run)
    const { plan: done, killsAt, unsent, errors } = run
    const settled =
      options.events > 0 && options.settlingMs > 0
        ? await served(place, options.settlingMs)
        : { unserved: 0, settledMs: 0 }
    return {
      ...found,
      ...settled,
      counts: done.counts,
      killsAt,
      unsent,
      errors,
      given: run.given.length,
      begun: run.begun,
      unfounded: unfounded(run, found),
      seconds: (Date.now() - begun) / 1_000,
    }
  } finally {
    end(run)
    await run.pool.killAll()
    await place.close()
  }
}

/**
 * A paused worker may block all others, each in the middle of a refresh. One with a wrong clock may be killed once. A full
 * disk may keep each from recording that it sent nothing, but ends nothing.
 */
function unfounded({ options, killsAt, disturbed, plan: { counts } }: Run, found: InvariantReport): number {
  const killed = between.reduce((sum, one) => sum + (killsAt[one] ?? 0), 0)
  const stopped = disturbed - Math.min(disturbed, counts.clock)
  const explained = found.lostAnswers + killed + stopped * options.processes + counts.clock
  return Math.max(0, found.inDoubt - explained - counts.disk * options.processes, found.ended - explained)
}

/** Counts the faults before the send, by kind. */
const counting =
  ({ unsent }: Run) =>
  (kind: UnsentFault, affected: number): void => {
    const before = unsent[kind] ?? { faults: 0, affected: 0 }
    unsent[kind] = { faults: before.faults + 1, affected: before.affected + affected }
  }

/** In turn, so that a dead worker's lease has ended when it comes to it again; now and then the previous one again, so that workers compete. */
function nextConnection(run: Run, random: SeededRandom): Kept | undefined {
  const all = run.environment.connections
  if (random.whole(1, 4) > 1) run.started += 1
  return all[run.started % all.length]
}

/** One worker after another, until it is over. */
async function working(run: Run, random: SeededRandom, slot: number): Promise<void> {
  const { pool, options, environment, plan } = run
  for (let nth = 0; !run.isOver; nth += 1) {
    const kept = nextConnection(run, random)
    if (!kept) return
    const what = plan.begin(random, classesOf(slot))
    const killPlan = createKillPlan(what, random, { pauseAt: options.pauseAt })
    const file = join(environment.cwd, `clock-${run.started}-${nth}`)
    const own = ownPoint(killPlan) ?? ({ point: 'after-answer', nth: 0, signal: 'SIGKILL' } as const)
    const module = injectionModule(own, { of: kept.api, traces: true, program: environment.programs.failPoints })
    const clock = killPlan.how === 'clock' ? clockEnv(killPlan.clock, file) : {}
    const one = pool.start([kept.name], options.events > 0 ? [module] : [], {
      ...environment.around.env(random),
      ...clock,
    })
    void one.answered.then(() => (run.ready += 1))
    if (options.events === 0) {
      await Promise.race([one.ended, run.over.promise])
      one.child.kill('SIGKILL')
      count(run, kept.name, killPlan, await one.ended)
      continue
    }
    const context = { over: run.over.promise, step: () => killPlan.how === 'clock' && stepClock(killPlan.clock, file) }
    const done = await applyKillPlan(killPlan, one, context)
    if (what) plan.end(what, done)
    count(run, kept.name, killPlan, await one.ended)
  }
}

function count(run: Run, connection: string, killPlan: KillPlan, { out, err, signal, code }: Ended): void {
  for (const line of out.split('\n').slice(0, -1)) {
    const said = JSON.parse(line) as Partial<Given> & { readonly code?: string; readonly message?: string }
    if (said.code !== undefined) tally(run.errors, said.message ?? said.code)
    else run.given.push({ ...(said as Given), connection })
  }
  if (code !== 0 && signal === null) tally(run.errors, `exit ${code}: ${complaintOf(err)}`)
  if (run.options.events === 0) return
  if (killPlan.how === 'kills') tally(run.killsAt, phaseOf(err))
  else if (killPlan.how !== 'none' || signal === 'SIGKILL') run.disturbed += 1
}

/** The end of what a worker said besides its points. */
const complaintOf = (err: string): string =>
  err
    .split('\n')
    .filter((line) => !line.startsWith(AT_POINT))
    .join(' ')
    .trim()
    .slice(-300)

const tally = <Name extends string>(counts: Partial<Record<Name, number>>, what: Name): void => {
  counts[what] = (counts[what] ?? 0) + 1
}

const judged = async ({ environment, given }: Run): Promise<InvariantReport> => {
  // In this order: what upstream did is in the store by then, as a note or as tokens.
  const journal = environment.journal()
  const status = async ({ name, api, credentials, events }: Kept) => ({
    name,
    api,
    credentials: await credentials(),
    events: await events(),
  })
  return invariantReport({ given, journal, connections: await Promise.all(environment.connections.map(status)) })
}

/** Begins again whatever has ended. */
async function tended(run: Run, one: Kept): Promise<void> {
  while (!run.isOver) {
    await sleep(200)
    if (!(await one.hasEnded())) continue
    await one.begin()
    run.begun += 1
  }
}

/** What dead and paused workers explain is known only when they have ended. */
function hasShown(run: Run, found: InvariantReport): boolean {
  const knows = !run.options.mix.some((one) => workerClasses.some((other) => other === one))
  const wrong = found.undeclared + found.silent + found.doubled + found.lost
  return wrong > 0 || (knows && unfounded(run, found) > 0)
}

const OPERATIONS = { grant: 'token', engagements: 'refresh' } as const

/** Scripts the faults, and prints the progress. */
async function watch(run: Run, random: SeededRandom, started: number, say: (line: string) => void): Promise<void> {
  const { options, environment, plan } = run
  const draw = options.faults ? upstreamFaults : slowAnswers
  const waiting = { grant: 0, engagements: 0 }
  let begun = started
  let printedAt = Date.now()
  let shown = 0
  while (!run.isOver) {
    await sleep(200)
    const requests = environment.journal().length
    for (const api of options.apis) {
      for (; waiting[api] < requests + 100; waiting[api] += 1) {
        environment.upstream.script([{ on: OPERATIONS[api], do: draw(random) }])
      }
    }
    // The time of many that start at once is not counted before all of them are at work.
    if (options.events === 0 && run.ready < options.processes) begun = Date.now()
    const seconds = (Date.now() - begun) / 1_000
    if (Date.now() - printedAt > (options.bug ? 1_000 : 10_000)) {
      printedAt = Date.now()
      const found = await judged(run)
      say(
        `${seconds.toFixed(0).padStart(5)} s ${String(plan.total).padStart(6)} events ${String(found.effects).padStart(6)} refreshes ` +
          `${String(found.inDoubt).padStart(5)} in doubt ${String(found.undeclared).padStart(3)} undeclared ${String(found.silent).padStart(3)} silent`,
      )
      // What is under way can look wrong for a moment; a bug shows twice in a row.
      shown = options.bug && hasShown(run, found) ? shown + 1 : 0
      if (shown === 2) end(run)
    }
    if (plan.isDone && seconds >= options.seconds) end(run)
  }
}
