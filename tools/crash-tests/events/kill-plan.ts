import { setTimeout as sleep } from 'node:timers/promises'
import type { Worker } from '../process-pool.ts'
import type { SeededRandom } from '../random.ts'
import { AT_POINT, type FailPoint, REACHED } from '../fail-points.ts'
import type { EventClass } from './event-plan.ts'
import { type Offset, type WrongClock, wrongClock } from './wrong-clock.ts'

/** The classes that happen to one worker; the others happen to all of them. */
export const workerClasses = ['kills', 'pauses', 'clock'] as const satisfies readonly EventClass[]

/** A fail point of a request, the nth time that a worker reaches it. Times in milliseconds. */
export interface PlannedPoint {
  readonly point: FailPoint
  readonly nth: number
  /** Done from outside, so long after the worker's trace of the point; absent: by the worker itself, at that instant. */
  readonly afterMs?: number
}

/** The classes for one of several workers: only every other one is paused, so that one is always at work. */
export const classesOf = (nth: number): readonly (typeof workerClasses)[number][] =>
  nth % 2 === 0 ? workerClasses : workerClasses.filter((one) => one !== 'pauses')

/** So many milliseconds after its start, or as soon as it has answered. */
export type Moment = { readonly ms: number } | 'answered'

export type KillPlan =
  /** `all`: to all workers at once, as when the power fails. */
  | { readonly how: 'kills'; readonly at: PlannedPoint | Moment; readonly all: boolean }
  /** SIGSTOP, and SIGCONT `ms` later, when every lease has ended. */
  | { readonly how: 'pauses'; readonly at: PlannedPoint; readonly ms: number; readonly thenMs: number }
  /** A wrong clock; then killed at a point, or asked to end. */
  | {
      readonly how: 'clock'
      readonly clock: WrongClock
      readonly at: PlannedPoint | undefined
      readonly thenMs: number
    }
  /** Works for a while and is asked to end. */
  | { readonly how: 'none'; readonly thenMs: number }

/** Longer than the lease of a renewal, 5 s. */
const PAUSE_MS: readonly [number, number] = [6_000, 8_000]
/** How long upstream works at most times. */
const LONGEST_MS = 10
/** How long a worker may take to reach its fail point: the lease of a killed worker or an ended sign-in delays it. */
const PATIENCE_MS = 6_000
/** How long it may take to print its first trace on a busy machine. */
const STARTING_MS = 30_000
/** How long a worker may take to end when asked. */
const ENDING_MS = 20_000

/** More of those at which the answer is under way or not yet kept. */
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

/** More of those before the send; few within a transaction, where a paused worker blocks all others. */
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
  const afterMs = random.between(0, LONGEST_MS)
  return random.whole(0, 1) === 1 ? { point, nth } : { point, nth, afterMs }
}

export interface KillPlanOptions {
  /** The only point for pauses; default any. */
  readonly pauseAt?: FailPoint | undefined
  /** Requests that a worker gets to. Default 3. */
  readonly most?: number
  /** By how much its clock may be wrong. Default all. */
  readonly offsets?: readonly [Offset, ...Offset[]]
  /** How long a worker lives at most when it is killed at a moment, in milliseconds; default it is killed at points alone. */
  readonly momentMs?: number
}

const MOST = 3

/** `what` undefined: nothing happens to it. */
export function createKillPlan(
  what: (typeof workerClasses)[number] | undefined,
  random: SeededRandom,
  { pauseAt, most = MOST, momentMs, offsets }: KillPlanOptions = {},
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

/** The point at which a worker sends itself a signal; undefined: it only traces. */
export const ownPoint = (
  killPlan: KillPlan,
): (PlannedPoint & { readonly signal: 'SIGKILL' | 'SIGSTOP' }) | undefined => {
  const there = killPlan.how === 'none' ? undefined : killPlan.at
  if (!there || there === 'answered' || !('point' in there) || there.afterMs !== undefined) return undefined
  return { ...there, signal: killPlan.how === 'pauses' ? 'SIGSTOP' : 'SIGKILL' }
}

/** What the run gives to a kill plan. */
export interface PlanContext {
  /** Resolves when the run is over. */
  readonly over: Promise<unknown>
  /** Steps the worker's clock. */
  readonly step: () => void
}

/** Applies a kill plan to a worker, which has ended then. Returns whether the planned event happened. */
export async function applyKillPlan(killPlan: KillPlan, worker: Worker, context: PlanContext): Promise<boolean> {
  const done = await awaitPlan(killPlan, worker, context)
  worker.child.kill('SIGTERM')
  await within(worker, ENDING_MS)
  worker.child.kill('SIGKILL')
  await worker.ended
  return done
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

/** Until so many milliseconds have passed, the worker has ended, or anything else has happened; its timer does not outlive that. */
async function within({ ended }: Worker, ms: number, ...others: readonly Promise<unknown>[]): Promise<void> {
  const stop = new AbortController()
  await Promise.race([sleep(ms, undefined, { signal: stop.signal }).catch(() => {}), ended, ...others])
  stop.abort()
}

/** Whether a worker reached its fail point in time, or has sent itself the signal there. */
async function awaitPoint({ point, nth, afterMs }: PlannedPoint, worker: Worker): Promise<boolean> {
  const { promise, resolve } = Promise.withResolvers<void>()
  const begun = Promise.withResolvers<void>()
  let said = ''
  let isThere = false
  worker.child.stderr?.on('data', (text: string) => {
    said += text
    begun.resolve()
    isThere =
      afterMs === undefined ? said.includes(`${REACHED}${point}\n`) : said.split(`${AT_POINT}${point}\n`).length > nth
    if (isThere) resolve()
  })
  await within(worker, STARTING_MS, begun.promise)
  await within(worker, PATIENCE_MS, promise)
  if (isThere && afterMs !== undefined) await within(worker, afterMs)
  return isThere
}
