import { join } from 'node:path'
import { applyKillPlan, classesOf, createKillPlan, type KillPlan, ownPoint } from '../events/kill-plan.ts'
import { clockEnv, stepClock } from '../events/wrong-clock.ts'
import { AT_POINT, type FailPoint, injectionModule } from '../fail-points.ts'
import type { Ended, Worker } from '../process-pool.ts'
import type { SeededRandom } from '../random.ts'
import { increment, type RunState } from '../run-state.ts'
import type { Given } from './invariant-report.ts'
import { type Phase, phaseOf } from '../phases.ts'
import type { TestEnvironment } from './test-environment.ts'
import type { TestedConnection } from './tested-connection.ts'

/** What the workers of a run use, and what they report. */
export interface RotationRun extends RunState {
  readonly options: { readonly events: number; readonly pauseAt?: FailPoint | undefined }
  readonly environment: TestEnvironment
  /** Tokens that workers printed. */
  readonly given: Given[]
  readonly errors: Record<string, number>
  readonly killsAt: Partial<Record<Phase, number>>
  /** Workers that were paused, had a wrong clock, or had to be killed at the end. */
  disturbed: number
  started: number
  /** Workers that have printed a line. */
  ready: number
}

/** One worker after another, until the run is over. Without events, each works until the run is over. */
export async function runWorkers(run: RotationRun, random: SeededRandom, loop: number): Promise<void> {
  for (let nth = 0; !run.isOver; nth += 1) {
    const connection = nextConnection(run, random)
    if (!connection) return
    if (run.options.events > 0) await runWithPlan(run, random, { connection, loop, nth })
    else await runToTheEnd(run, random, connection)
  }
}

/**
 * In turn, so that the lease of a dead worker has ended when its connection comes again. Every fourth time it
 * is the previous connection, so that workers compete.
 */
function nextConnection(run: RotationRun, random: SeededRandom): TestedConnection | undefined {
  const all = run.environment.connections
  if (random.whole(1, 4) > 1) run.started += 1
  return all[run.started % all.length]
}

async function runWithPlan(
  run: RotationRun,
  random: SeededRandom,
  { connection, loop, nth }: { readonly connection: TestedConnection; readonly loop: number; readonly nth: number },
): Promise<void> {
  const { options, environment, plan, over } = run
  const event = plan.begin(random, classesOf(loop))
  const killPlan = createKillPlan(event, random, { pauseAt: options.pauseAt })
  const clockFile = join(environment.cwd, `clock-${run.started}-${nth}`)
  const own = ownPoint(killPlan) ?? ({ point: 'after-answer', nth: 0, signal: 'SIGKILL' } as const)
  const module = injectionModule(own, { of: connection.api, traces: true, program: environment.programs.failPoints })
  const clock = killPlan.how === 'clock' ? clockEnv(killPlan.clock, clockFile) : {}
  const worker = startWorker(run, connection, [module], { ...environment.sharedFaults.env(random), ...clock })
  const step = () => killPlan.how === 'clock' && stepClock(killPlan.clock, clockFile)
  const happened = await applyKillPlan(killPlan, worker, { over: over.promise, step })
  if (event) plan.end(event, happened)
  const ended = await worker.ended
  readLines(run, connection.name, ended)
  countEnd(run, killPlan, ended)
}

async function runToTheEnd(run: RotationRun, random: SeededRandom, connection: TestedConnection): Promise<void> {
  const worker = startWorker(run, connection, [], run.environment.sharedFaults.env(random))
  await Promise.race([worker.ended, run.over.promise])
  worker.child.kill('SIGKILL')
  readLines(run, connection.name, await worker.ended)
}

function startWorker(
  run: RotationRun,
  { name }: TestedConnection,
  modules: readonly string[],
  env: Readonly<Record<string, string>>,
): Worker {
  const worker = run.pool.start([name], modules, env)
  void worker.answered.then(() => (run.ready += 1))
  return worker
}

/** Each line of a worker is a token or an error. */
function readLines(run: RotationRun, connection: string, { out, err, signal, code }: Ended): void {
  for (const line of out.split('\n').slice(0, -1)) {
    const answer = JSON.parse(line) as Partial<Given> & { readonly code?: string; readonly message?: string }
    if (answer.code !== undefined) increment(run.errors, answer.message ?? answer.code)
    else run.given.push({ ...(answer as Given), connection })
  }
  if (code !== 0 && signal === null) increment(run.errors, `exit ${code}: ${errorTextOf(err)}`)
}

function countEnd(run: RotationRun, { how }: KillPlan, { err, signal }: Ended): void {
  if (how === 'kills') increment(run.killsAt, phaseOf(err))
  else if (how !== 'none' || signal === 'SIGKILL') run.disturbed += 1
}

/** The end of what a worker printed on standard error, without its fail points. */
const errorTextOf = (err: string): string =>
  err
    .split('\n')
    .filter((line) => !line.startsWith(AT_POINT))
    .join(' ')
    .trim()
    .slice(-300)
