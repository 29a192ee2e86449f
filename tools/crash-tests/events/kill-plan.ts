import { setTimeout as sleep } from 'node:timers/promises'
import type { Worker } from '../process-pool.ts'
import type { SeededRandom } from '../random.ts'
import { AT_POINT, type FailPoint, REACHED } from '../fail-points.ts'
import type { EventClass } from './event-plan.ts'
import { type Offset, type WrongClock, wrongClock } from './wrong-clock.ts'

/** The classes that happen to one worker. The others happen to all of them. */
export const workerClasses = ['kills', 'pauses', 'clock'] as const satisfies readonly EventClass[]

/** A fail point of a request, the nth time that a worker reaches it. Times in milliseconds. */
interface PlannedPoint {
  readonly point: FailPoint
  readonly nth: number
  /**
   * Sent from outside, this long after the worker's trace of the point. Absent: the worker sends it to itself
   * at the point.
   */
  readonly afterMs?: number
}

/** The classes for one of several loops. Only every other one has pauses, so that some worker always runs. */
export const classesOf = (nth: number): readonly (typeof workerClasses)[number][] =>
  nth % 2 === 0 ? workerClasses : workerClasses.filter((one) => one !== 'pauses')

/** A time after the start of the worker in milliseconds, or as soon as it has printed a line. */
type Moment = { readonly ms: number } | 'answered'

export type KillPlan =
  /** SIGKILL. `all`: to all workers at once, as in a power failure. */
  | { readonly how: 'kills'; readonly at: PlannedPoint | Moment; readonly all: boolean }
  /** SIGSTOP, and SIGCONT `ms` later, after every lease has ended. */
  | { readonly how: 'pauses'; readonly at: PlannedPoint; readonly ms: number; readonly thenMs: number }
  /** A wrong clock, then SIGKILL at a point, or SIGTERM. */
  | {
      readonly how: 'clock'
      readonly clock: WrongClock
      readonly at: PlannedPoint | undefined
      readonly thenMs: number
    }
  /** SIGTERM after a while. */
  | { readonly how: 'none'; readonly thenMs: number }

/** The length of a pause in milliseconds: longer than the lease of a renewal, 5 s. */
const PAUSE_MS: readonly [number, number] = [6_000, 8_000]
/** How long the upstream usually takes for a request, in milliseconds. */
const UPSTREAM_WORK_MS = 10
/**
 * How long a worker may take to reach its fail point: a lease of a dead worker or an ended sign-in delays it.
 */
const PATIENCE_MS = 6_000
/** How long a worker may take to print its first line on a busy machine, in milliseconds. */
const STARTING_MS = 30_000
/** How long a worker may take to end after SIGTERM, in milliseconds. */
const ENDING_MS = 20_000

/** Prefers the points at which the answer is under way or not yet stored. */
const killPoint = (random: SeededRandom): FailPoint =>
  random.weighted<FailPoint>([
    [1, 'before-intent-commit'],
    [1, 'after-intent-commit'],
    [1, 'before-send'],
    [2, 'after-send'],
    [2, 'while-running'],
    [2, 'after-answer'],
    [2, 'before-tokens-commit'],
    [1, 'after-tokens-commit'],
  ])

/**
 * Prefers the points before the send, and avoids those in a transaction, where a paused worker blocks all
 * others.
 */
const pausePoint = (random: SeededRandom): FailPoint =>
  random.weighted<FailPoint>([
    [1, 'before-intent-commit'],
    [6, 'after-intent-commit'],
    [6, 'before-send'],
    [3, 'after-send'],
    [3, 'while-running'],
    [3, 'after-answer'],
    [1, 'before-tokens-commit'],
    [3, 'after-tokens-commit'],
  ])

const plannedPoint = (point: FailPoint, random: SeededRandom, most: number): PlannedPoint => {
  const nth = random.whole(1, most)
  const afterMs = random.between(0, UPSTREAM_WORK_MS)
  return random.whole(0, 1) === 1 ? { point, nth } : { point, nth, afterMs }
}

export interface KillPlanOptions {
  /** The only fail point for pauses. Default any. */
  readonly pauseAt?: FailPoint | undefined
  /** How many requests a worker makes at most before its event. Default 3. */
  readonly most?: number
  /** The offsets of a wrong clock. Default all. */
  readonly offsets?: readonly [Offset, ...Offset[]]
  /**
   * The longest life of a worker that is killed at a random moment, in milliseconds. Default: kills happen at
   * fail points only.
   */
  readonly momentMs?: number
}

const MAX_REQUESTS = 3

/** Draws a plan for a worker. Without a class, nothing happens to it. */
export function createKillPlan(
  what: (typeof workerClasses)[number] | undefined,
  random: SeededRandom,
  { pauseAt, most = MAX_REQUESTS, momentMs, offsets }: KillPlanOptions = {},
): KillPlan {
  const thenMs = random.between(1_500, 3_500)
  const end = plannedPoint(killPoint(random), random, most)
  if (what === 'pauses') {
    return {
      how: 'pauses',
      at: plannedPoint(pauseAt ?? pausePoint(random), random, most),
      ms: random.between(...PAUSE_MS),
      thenMs,
    }
  }
  if (what === 'clock') {
    return { how: 'clock', clock: wrongClock(random, offsets), at: random.whole(0, 1) === 1 ? end : undefined, thenMs }
  }
  if (what === undefined) return { how: 'none', thenMs }
  const moment = random.weighted<Moment>([
    [4, { ms: random.between(0, momentMs ?? 0) }],
    [1, 'answered'],
  ])
  const isMoment = momentMs !== undefined && random.whole(1, 10) > 6
  return { how: 'kills', at: isMoment ? moment : end, all: isMoment && random.whole(1, 25) === 1 }
}

/** The point at which a worker sends itself a signal. Undefined: it only traces. */
export const ownPoint = (
  killPlan: KillPlan,
): (PlannedPoint & { readonly signal: 'SIGKILL' | 'SIGSTOP' }) | undefined => {
  const at = killPlan.how === 'none' ? undefined : killPlan.at
  if (!at || at === 'answered' || !('point' in at) || at.afterMs !== undefined) return undefined
  return { ...at, signal: killPlan.how === 'pauses' ? 'SIGSTOP' : 'SIGKILL' }
}

/** What a kill plan needs of its run. */
interface PlanContext {
  /** Resolves when the run is over. */
  readonly over: Promise<unknown>
  /** Steps the worker's clock. */
  readonly step: () => void
}

/**
 * Applies a kill plan to a worker. Resolves when the worker has ended, with whether the planned event
 * happened.
 */
export async function applyKillPlan(killPlan: KillPlan, worker: Worker, context: PlanContext): Promise<boolean> {
  const happened = await awaitPlan(killPlan, worker, context)
  worker.child.kill('SIGTERM')
  await within(worker, ENDING_MS)
  worker.child.kill('SIGKILL')
  await worker.ended
  return happened
}

function awaitPlan(killPlan: KillPlan, worker: Worker, context: PlanContext): Promise<boolean> {
  if (killPlan.how === 'kills') return awaitKill(killPlan.at, worker)
  if (killPlan.how === 'pauses') return awaitPause(killPlan, worker, context)
  if (killPlan.how === 'clock') return awaitWrongClock(killPlan, worker, context)
  return within(worker, killPlan.thenMs, context.over).then(() => true)
}

async function awaitKill(at: PlannedPoint | Moment, worker: Worker): Promise<boolean> {
  if (at === 'answered') await within(worker, PATIENCE_MS, worker.answered)
  else if ('point' in at) await awaitPoint(at, worker)
  else await within(worker, at.ms)
  worker.child.kill('SIGKILL')
  return (await worker.ended).signal === 'SIGKILL'
}

async function awaitPause(
  { at, ms, thenMs }: Extract<KillPlan, { how: 'pauses' }>,
  worker: Worker,
  { over }: PlanContext,
): Promise<boolean> {
  const { child } = worker
  const isThere = await awaitPoint(at, worker)
  if (isThere) {
    child.kill('SIGSTOP')
    await within(worker, ms)
  }
  const lived = child.exitCode === null && child.signalCode === null
  child.kill('SIGCONT')
  await within(worker, thenMs, over)
  return isThere && lived
}

async function awaitWrongClock(
  { at, clock, thenMs }: Extract<KillPlan, { how: 'clock' }>,
  worker: Worker,
  { step }: PlanContext,
): Promise<boolean> {
  await within(worker, PATIENCE_MS, worker.answered)
  if (clock.steps) step()
  await within(worker, thenMs)
  if (at && (await awaitPoint(at, worker))) worker.child.kill('SIGKILL')
  return true
}

/** Waits until `ms` milliseconds have passed, the worker has ended, or another promise resolves. */
async function within({ ended }: Worker, ms: number, ...others: readonly Promise<unknown>[]): Promise<void> {
  const stop = new AbortController()
  await Promise.race([sleep(ms, undefined, { signal: stop.signal }).catch(() => {}), ended, ...others])
  stop.abort()
}

/** Returns whether a worker reached its fail point in time. */
async function awaitPoint({ point, nth, afterMs }: PlannedPoint, worker: Worker): Promise<boolean> {
  const { promise, resolve } = Promise.withResolvers<void>()
  const printed = Promise.withResolvers<void>()
  let trace = ''
  let isThere = false
  worker.child.stderr?.on('data', (text: string) => {
    trace += text
    printed.resolve()
    isThere =
      afterMs === undefined ? trace.includes(`${REACHED}${point}\n`) : trace.split(`${AT_POINT}${point}\n`).length > nth
    if (isThere) resolve()
  })
  await within(worker, STARTING_MS, printed.promise)
  await within(worker, PATIENCE_MS, promise)
  if (isThere && afterMs !== undefined) await within(worker, afterMs)
  return isThere
}
