import { setTimeout as sleep } from 'node:timers/promises'
import type { Worker } from '../crew.ts'
import type { Luck } from '../luck.ts'
import { AT, type Point, SIGN } from '../points.ts'
import type { EventClass } from './mix.ts'
import { type Offset, type WrongClock, wrongClock } from './wrong-clock.ts'

/** The classes that happen to one worker; the others happen to all of them. */
export const workerClasses = ['kills', 'pauses', 'clock'] as const satisfies readonly EventClass[]

/** What happens to a worker at a point of a request, the first, second, … time that it comes there. Times in milliseconds. */
export interface At {
  readonly point: Point
  readonly nth: number
  /** Done from outside so long after the worker was heard of; absent: by the worker itself, at the very instant. */
  readonly afterMs?: number
}

/** The classes for one of several workers: only every other one stands still, so that there is always one at work. */
export const classesOf = (nth: number): readonly (typeof workerClasses)[number][] =>
  nth % 2 === 0 ? workerClasses : workerClasses.filter((one) => one !== 'pauses')

/** So many milliseconds after its start, or as soon as it has answered. */
export type Moment = { readonly ms: number } | 'answered'

export type Fate =
  /** `all`: to all workers at once, as when the power fails. */
  | { readonly how: 'kills'; readonly at: At | Moment; readonly all: boolean }
  /** SIGSTOP, and SIGCONT `ms` later, when every lease has ended. */
  | { readonly how: 'pauses'; readonly at: At; readonly ms: number; readonly thenMs: number }
  /** A wrong clock; then killed at a point, or asked to end. */
  | { readonly how: 'clock'; readonly clock: WrongClock; readonly at: At | undefined; readonly thenMs: number }
  /** Works for a while and is asked to end. */
  | { readonly how: 'none'; readonly thenMs: number }

/** Longer than the lease of a renewal, 5 s. */
const PAUSE_MS: readonly [number, number] = [6_000, 8_000]
/** How long upstream works at most times. */
const LONGEST_MS = 10
/** How long a worker may take to come to its point: a dead one's lease keeps it waiting, or a sign-in that has ended. */
const PATIENCE_MS = 6_000
/** How long it may take to say anything, on a machine that is busy. */
const STARTING_MS = 30_000
/** How long a worker may take to end when asked. */
const ENDING_MS = 20_000

/** More of those at which the answer is under way or not yet kept. */
const killPoint = (luck: Luck): Point =>
  luck.weighted<Point>([
    [1, 'before-intent-commit'],
    [1, 'after-intent-commit'],
    [1, 'before-send'],
    [2, 'after-send'],
    [2, 'while-running'],
    [2, 'after-answer'],
    [2, 'before-tokens-commit'],
    [1, 'after-tokens-commit'],
  ])

/** More of those before the send; few within a transaction, where a worker that stands still holds up all others. */
const pausePoint = (luck: Luck): Point =>
  luck.weighted<Point>([
    [1, 'before-intent-commit'],
    [6, 'after-intent-commit'],
    [6, 'before-send'],
    [3, 'after-send'],
    [3, 'while-running'],
    [3, 'after-answer'],
    [1, 'before-tokens-commit'],
    [3, 'after-tokens-commit'],
  ])

const at = (point: Point, luck: Luck, most: number): At => {
  const nth = luck.whole(1, most)
  const afterMs = luck.between(0, LONGEST_MS)
  return luck.whole(0, 1) === 1 ? { point, nth } : { point, nth, afterMs }
}

export interface FateOptions {
  /** The only point for pauses; default any. */
  readonly pauseAt?: Point | undefined
  /** Requests that a worker gets to. Default 3. */
  readonly most?: number
  /** By how much its clock may be wrong. Default all. */
  readonly offsets?: readonly [Offset, ...Offset[]]
  /** How long a worker lives at most when it is killed at a moment, in milliseconds; default it is killed at points alone. */
  readonly momentMs?: number
}

const MOST = 3

/** `what` undefined: nothing happens to it. */
export function fateOf(
  what: (typeof workerClasses)[number] | undefined,
  luck: Luck,
  { pauseAt, most = MOST, momentMs, offsets }: FateOptions = {},
): Fate {
  const thenMs = luck.between(1_500, 3_500)
  const end = at(killPoint(luck), luck, most)
  if (what === 'pauses') {
    return { how: 'pauses', at: at(pauseAt ?? pausePoint(luck), luck, most), ms: luck.between(...PAUSE_MS), thenMs }
  }
  if (what === 'clock') {
    return { how: 'clock', clock: wrongClock(luck, offsets), at: luck.whole(0, 1) === 1 ? end : undefined, thenMs }
  }
  if (what === undefined) return { how: 'none', thenMs }
  const moment = luck.weighted<Moment>([
    [4, { ms: luck.between(0, momentMs ?? 0) }],
    [1, 'answered'],
  ])
  const isMoment = momentMs !== undefined && luck.whole(1, 10) > 6
  return { how: 'kills', at: isMoment ? moment : end, all: isMoment && luck.whole(1, 25) === 1 }
}

/** The point at which a worker sends itself a signal; undefined: it only says where it is. */
export const ownPoint = (fate: Fate): (At & { readonly signal: 'SIGKILL' | 'SIGSTOP' }) | undefined => {
  const there = fate.how === 'none' ? undefined : fate.at
  if (!there || there === 'answered' || !('point' in there) || there.afterMs !== undefined) return undefined
  return { ...there, signal: fate.how === 'pauses' ? 'SIGSTOP' : 'SIGKILL' }
}

/** What is needed to let a fate happen. */
export interface Stage {
  /** Resolves when the run is over. */
  readonly over: Promise<unknown>
  /** Steps the worker's clock. */
  readonly step: () => void
}

/** Lets its fate happen to a worker, which has ended then. Says whether it came about. */
export async function happen(fate: Fate, worker: Worker, stage: Stage): Promise<boolean> {
  const done = await undergone(fate, worker, stage)
  worker.child.kill('SIGTERM')
  await within(worker, ENDING_MS)
  worker.child.kill('SIGKILL')
  await worker.ended
  return done
}

function undergone(fate: Fate, worker: Worker, stage: Stage): Promise<boolean> {
  if (fate.how === 'kills') return killed(fate.at, worker)
  if (fate.how === 'pauses') return paused(fate, worker, stage)
  if (fate.how === 'clock') return misled(fate, worker, stage)
  return within(worker, fate.thenMs, stage.over).then(() => true)
}

async function killed(at: At | Moment, worker: Worker): Promise<boolean> {
  if (at === 'answered') await within(worker, PATIENCE_MS, worker.answered)
  else if ('point' in at) await arrived(at, worker)
  else await within(worker, at.ms)
  worker.child.kill('SIGKILL')
  return (await worker.ended).signal === 'SIGKILL'
}

async function paused(
  { at, ms, thenMs }: Extract<Fate, { how: 'pauses' }>,
  worker: Worker,
  { over }: Stage,
): Promise<boolean> {
  const { child } = worker
  const isThere = await arrived(at, worker)
  if (isThere) {
    child.kill('SIGSTOP')
    await within(worker, ms)
  }
  const lived = child.exitCode === null && child.signalCode === null
  child.kill('SIGCONT')
  await within(worker, thenMs, over)
  return isThere && lived
}

async function misled(
  { at, clock, thenMs }: Extract<Fate, { how: 'clock' }>,
  worker: Worker,
  { step }: Stage,
): Promise<boolean> {
  await within(worker, PATIENCE_MS, worker.answered)
  if (clock.steps) step()
  await within(worker, thenMs)
  if (at && (await arrived(at, worker))) worker.child.kill('SIGKILL')
  return true
}

/** Until so many milliseconds have passed, the worker has ended, or anything else has happened; its timer does not outlive that. */
async function within({ ended }: Worker, ms: number, ...others: readonly Promise<unknown>[]): Promise<void> {
  const stop = new AbortController()
  await Promise.race([sleep(ms, undefined, { signal: stop.signal }).catch(() => {}), ended, ...others])
  stop.abort()
}

/** Whether a worker came to its point in time, or has sent itself the signal there. */
async function arrived({ point, nth, afterMs }: At, worker: Worker): Promise<boolean> {
  const { promise, resolve } = Promise.withResolvers<void>()
  const begun = Promise.withResolvers<void>()
  let said = ''
  let isThere = false
  worker.child.stderr?.on('data', (text: string) => {
    said += text
    begun.resolve()
    isThere = afterMs === undefined ? said.includes(`${SIGN}${point}\n`) : said.split(`${AT}${point}\n`).length > nth
    if (isThere) resolve()
  })
  await within(worker, STARTING_MS, begun.promise)
  await within(worker, PATIENCE_MS, promise)
  if (isThere && afterMs !== undefined) await within(worker, afterMs)
  return isThere
}
