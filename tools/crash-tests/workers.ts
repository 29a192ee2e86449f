import { join } from 'node:path'
import type { GivenGuest } from './creates/create-report.ts'
import { connectionOf, type PersonApi, personApis } from './creates/persons.ts'
import {
  applyKillPlan,
  classesOf,
  createKillPlan,
  type KillPlan,
  type KillPlanOptions,
  ownPoint,
} from './events/kill-plan.ts'
import { clockEnv, lesserOffsets, stepClock } from './events/wrong-clock.ts'
import { freshKeyModule, injectionModule, LINE_START } from './fail-points.ts'
import type { Acknowledged } from './invariant-report.ts'
import type { Ended, Worker } from './process-pool.ts'
import type { Programs } from './programs.ts'
import type { SeededRandom } from './random.ts'
import type { Refreshing } from './refresh-traffic.ts'
import { phaseOf } from './phases.ts'
import { increment, type RunState } from './run-state.ts'
import type { TestEnvironment } from './test-environment.ts'

export interface WorkerOptions {
  /** Processes at the same time that keep guests. */
  readonly keepers: number
  /** Processes at the same time that refresh one guest each. */
  readonly refreshers: number
  /** Processes at the same time that create guests. */
  readonly creators: number
  /** A bug that is built into the workers. Default none. */
  readonly bug?: string | undefined
}

/** What the workers of a run use, and what they report. */
export interface CrashRun extends RunState {
  readonly options: WorkerOptions
  readonly environment: TestEnvironment
  readonly programs: Programs
  /** Tokens that workers printed. */
  readonly acknowledged: Acknowledged[]
  /** Guests that workers printed. */
  readonly given: GivenGuest[]
  /** For how many persons each API was asked for a guest. */
  readonly persons: Record<PersonApi, number>
  readonly killsAt: Record<string, number>
  readonly failures: Record<string, number>
  /** Guests whose refresh was killed. It is tried again at `from`, in milliseconds since the epoch. */
  readonly interrupted: { readonly id: string; readonly from: number }[]
  /** How long one call of the command line takes when nothing happens to it, in milliseconds. */
  typicalMs: number
  /** How many workers were started. */
  started: number
}

/** A killed refresh is tried again after this time, in milliseconds: its lease of 5 s has ended by then. */
const RETRY_AFTER_MS = 5_000
/** A creator begins with the last persons of the one before it, and asks for so many new ones. */
const CREATOR_STEP = 2
/**
 * A keeper may live as long as so many calls of the command line, so that it starts and renews a few times.
 */
const KEEPER_RUNS = 5

/** Starts the loops of the workers: each runs one process after another until the run is over. */
export function workerLoops(run: CrashRun, random: SeededRandom): readonly Promise<void>[] {
  const { keepers, refreshers, creators } = run.options
  return [
    ...Array.from({ length: keepers }, (_, at) => runKeepers(run, random.fork(`keeper ${at}`), at)),
    ...Array.from({ length: refreshers }, (_, at) => runRefreshes(run, random.fork(`refresher ${at}`), at)),
    ...Array.from({ length: creators }, (_, at) => runCreators(run, random.fork(`creator ${at}`), at)),
  ]
}

interface Job {
  readonly argv: readonly string[]
  /** The requests at which the fail points are. */
  readonly of: Refreshing
  /** Default the command line. */
  readonly program?: string
  readonly killPlan?: KillPlanOptions
  /** The number of the loop that starts it, from 0. */
  readonly loop: number
}

/** Starts a worker and applies its kill plan. Returns the plan and how the worker ended. */
async function runWorker(run: CrashRun, random: SeededRandom, job: Job): Promise<[KillPlan, Ended]> {
  const { pool, plan, environment } = run
  const event = plan.begin(random, classesOf(job.loop))
  const killPlan = createKillPlan(event, random, job.killPlan)
  const clockFile = join(environment.cwd, `clock-${(run.started += 1)}`)
  const worker = startWorker(run, random, job, killPlan, clockFile)
  const step = () => killPlan.how === 'clock' && stepClock(killPlan.clock, clockFile)
  const happened = await applyKillPlan(killPlan, worker, { over: run.over.promise, step })
  if (event) plan.end(event, happened)
  if (killPlan.how === 'kills' && killPlan.all) await pool.killAll()
  const ended = await worker.ended
  countEnd(run, killPlan, ended)
  return [killPlan, ended]
}

function startWorker(
  { pool, environment, options, programs }: CrashRun,
  random: SeededRandom,
  { argv, of, program }: Job,
  killPlan: KillPlan,
  clockFile: string,
): Worker {
  const own = ownPoint(killPlan) ?? ({ point: 'after-answer', nth: 0, signal: 'SIGKILL' } as const)
  const broken = options.bug === 'fresh-key' && of === 'guest' ? [freshKeyModule] : []
  const modules = [...broken, injectionModule(own, { of, traces: true, program: programs.failPoints })]
  const clock = killPlan.how === 'clock' ? clockEnv(killPlan.clock, clockFile) : {}
  return pool.start(argv, modules, { ...environment.sharedFaults.env(random), ...clock }, program)
}

async function runKeepers(run: CrashRun, random: SeededRandom, loop: number): Promise<void> {
  while (!run.isOver) {
    const killPlan = { momentMs: KEEPER_RUNS * run.typicalMs }
    await runWorker(run, random, { argv: ['keep'], of: 'guest', loop, killPlan })
  }
}

/** Each refresh is a process of its own. */
async function runRefreshes(run: CrashRun, random: SeededRandom, loop: number): Promise<void> {
  const { issued } = run.environment
  while (!run.isOver) {
    const guestId = interruptedGuest(run) ?? issued[random.whole(0, issued.length - 1)]?.guestId ?? ''
    const startedAt = Date.now()
    const argv = ['guest', 'refresh', guestId, '--json', '--reveal']
    const options = { most: 1, momentMs: 1.2 * run.typicalMs }
    const [killPlan, ended] = await runWorker(run, random, { argv, of: 'guest', loop, killPlan: options })
    if (killPlan.how === 'none' && ended.code === 0) {
      run.typicalMs = 0.8 * run.typicalMs + 0.2 * (Date.now() - startedAt)
    }
    const answer = printedToken(ended)
    if (answer) run.acknowledged.push({ guestId, ...answer })
    else if (ended.signal === 'SIGKILL') run.interrupted.push({ id: guestId, from: Date.now() + RETRY_AFTER_MS })
  }
}

/** Processes that ask for guests. Most persons of one are those of the next, so that creators compete. */
async function runCreators(run: CrashRun, random: SeededRandom, loop: number): Promise<void> {
  for (let nth = loop; !run.isOver; nth += 1) {
    const api = personApis[nth % personApis.length] ?? 'engagements'
    const from = run.persons[api]
    run.persons[api] += CREATOR_STEP
    const argv = [api, connectionOf(api), String(Math.max(0, from - CREATOR_STEP))]
    // An external user lives for a day and cannot be renewed. By a clock that is a day ahead it has ended,
    // and another create is right.
    const killPlan = api === 'external-users' ? { offsets: lesserOffsets } : {}
    const job = { argv, of: 'create', program: run.programs.worker, loop, killPlan } as const
    const [, { out }] = await runWorker(run, random, job)
    for (const line of out.split('\n').slice(0, -1)) readCreatorLine(run, api, line)
  }
}

/** A line of a creator: a guest, or an error. */
function readCreatorLine(run: CrashRun, api: PersonApi, line: string): void {
  const answer = JSON.parse(line) as Partial<GivenGuest> & { readonly code?: string; readonly message?: string }
  if (answer.code === undefined) run.given.push(answer as GivenGuest)
  else increment(run.failures, answer.message ?? answer.code)
  run.persons[api] = Math.max(run.persons[api], (answer.nth ?? 0) + 1)
}

/** Takes the guest whose refresh was killed first, once it may be tried again. */
function interruptedGuest({ interrupted }: CrashRun): string | undefined {
  const [first] = interrupted
  if (!first || first.from > Date.now()) return undefined
  interrupted.shift()
  return first.id
}

/** The token that a worker printed; undefined for a line that was cut off, and for a problem document. */
function printedToken({ out }: Ended): Omit<Acknowledged, 'guestId'> | undefined {
  if (!out.endsWith('\n')) return undefined
  const { generation, token } = JSON.parse(out) as Partial<Acknowledged>
  return generation === undefined || token === undefined ? undefined : { generation, token }
}

function countEnd(run: CrashRun, killPlan: KillPlan, { code, signal, out, err }: Ended): void {
  if (killPlan.how === 'kills' && signal === 'SIGKILL') increment(run.killsAt, phaseOf(err))
  if (signal === null && code !== 0) increment(run.failures, failureOf(out, err) ?? `exit ${code}, ${killPlan.how}`)
}

/** The code of a problem, or the end of standard error if there is none. */
function failureOf(out: string, err: string): string | undefined {
  const code = /"code":"(\w+)"/.exec(out)?.[1] ?? /\[(\w+)\]/.exec(err)?.[1]
  const lines = err.split('\n').filter((line) => !line.startsWith(LINE_START))
  return code ?? (lines.join(' ').trim().slice(-200) || undefined)
}
