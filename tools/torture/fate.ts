import { setTimeout as sleep } from 'node:timers/promises'
import type { Ended, Worker } from './crew.ts'
import type { Luck } from './luck.ts'
import { type Ambush, ambushModule, points } from './points.ts'

/** How a worker is to end. Times in milliseconds. */
export type Fate =
  /** SIGKILL so long after its start; `all`: to everybody at once, as when the power fails. */
  | { readonly how: 'moment'; readonly ms: number; readonly all: boolean }
  /** SIGKILL from within at a point, or after a while if it never comes there. */
  | { readonly how: 'point'; readonly ambush: Ambush }
  /** SIGKILL as soon as it has printed its answer. */
  | { readonly how: 'answered' }
  /** SIGSTOP from within at a point, SIGCONT so long after, SIGKILL a little later. */
  | { readonly how: 'stopped'; readonly ambush: Ambush; readonly ms: number; readonly thenMs: number }
  /** SIGTERM so long after its start, and time to end by itself. */
  | { readonly how: 'asked'; readonly ms: number }
  /** Nothing happens to it. */
  | { readonly how: 'spared' }

/** A keeper that lives so long, or so many times as long as a one-shot takes, has started and renewed a few times. */
const LONGEST_MS = 4_000
const LONGEST_RUNS = 5
const PATIENCE_MS = 8_000
/** A one-shot may have to wait for the lease of one that was killed, and for upstream. */
const LONG_PATIENCE_MS = 45_000
/** Longer than the lease of a renewal, 10 s. */
const STANDSTILL_MS: readonly [number, number] = [11_000, 14_000]

export const modulesOf = (fate: Fate): readonly string[] => ('ambush' in fate ? [ambushModule(fate.ambush)] : [])

/** `typicalMs`: how long a one-shot takes when nothing happens to it. */
export function keeperFate(luck: Luck, typicalMs: number): Fate {
  const longestMs = Math.max(LONGEST_MS, LONGEST_RUNS * typicalMs)
  return luck.weighted<() => Fate>([
    [50, () => ({ how: 'moment', ms: luck.between(0, longestMs), all: luck.whole(1, 25) === 1 })],
    [45, () => ({ how: 'point', ambush: { point: luck.pick(points), nth: luck.whole(1, 8), signal: 'SIGKILL' } })],
    [5, () => ({ how: 'asked', ms: luck.between(500, longestMs) })],
  ])()
}

export const standstill = (luck: Luck): Fate => ({
  how: 'stopped',
  // Not within a transaction: whoever stands still there holds up everybody, and the store says that it is busy.
  ambush: {
    point: luck.pick(['after-intent-commit', 'before-send', 'after-send', 'after-answer']),
    nth: luck.whole(1, 4),
    signal: 'SIGSTOP',
  },
  ms: luck.between(...STANDSTILL_MS),
  thenMs: luck.between(500, 3_000),
})

export const refresherFate = (luck: Luck, typicalMs: number): Fate =>
  luck.weighted<() => Fate>([
    [30, () => ({ how: 'moment', ms: luck.between(0, typicalMs * 1.2), all: false })],
    [40, () => ({ how: 'point', ambush: { point: luck.pick(points), nth: 1, signal: 'SIGKILL' } })],
    [10, () => ({ how: 'answered' })],
    [20, () => ({ how: 'spared' })],
  ])()

/** Lets its fate happen to a worker. */
export async function suffer(worker: Worker, fate: Fate): Promise<Ended> {
  const { child, ended } = worker
  /** Resolves when the wait is over, or the worker has ended before; the timer does not outlive either. */
  const within = async (ms: number, other: Promise<unknown> = ended): Promise<void> => {
    const stop = new AbortController()
    await Promise.race([sleep(ms, undefined, { signal: stop.signal }).catch(() => {}), other, ended])
    stop.abort()
  }
  switch (fate.how) {
    case 'moment':
      await within(fate.ms)
      break
    case 'point':
      await within(PATIENCE_MS)
      break
    case 'answered':
      await within(LONG_PATIENCE_MS, worker.answered)
      break
    case 'stopped':
      await within(PATIENCE_MS, worker.reached)
      if (worker.child.exitCode === null) await within(fate.ms)
      child.kill('SIGCONT')
      await within(fate.thenMs)
      break
    case 'asked':
      await within(fate.ms)
      child.kill('SIGTERM')
      await within(PATIENCE_MS)
      break
    case 'spared':
      await within(LONG_PATIENCE_MS)
      break
  }
  child.kill('SIGKILL')
  return ended
}
