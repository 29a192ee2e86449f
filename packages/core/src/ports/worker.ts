import { backOffMs } from '../domain/back-off.ts'
import { MINUTE, type Millis, SECOND } from '../domain/time.ts'
import { type Clock, stopwatch } from './clock.ts'

/** Is called with the outcome of each pass of a worker. What it throws is dropped. */
export interface WorkerObserver {
  /**
   * A pass ended, also one that found nothing to do. Called at most once a pass. Not called while everything that was tried last has failed
   * and will be tried again.
   */
  succeeded(): void
  /** A pass failed, or a piece of its work: called for each failure. The worker goes on. */
  failed(error: unknown): void
}

/** Work in the background. */
export interface Worker {
  /** Works until the signal aborts, then resolves when what was begun has ended. */
  run(signal: AbortSignal, observer?: WorkerObserver): Promise<void>
  /** How much work waits, counted up to `most`, a whole number from 1. Absent where none is ever stored. */
  readonly backlog?: (most: number) => Promise<number>
}

/** A worker whose work is stored. */
export interface StoredWorker extends Worker {
  readonly backlog: (most: number) => Promise<number>
}

export interface RepeatOptions {
  readonly clock: Clock
  readonly signal: AbortSignal
  readonly observer?: WorkerObserver | undefined
  /** The pause after a pass that failed, in milliseconds; it doubles with each further one. Default 1 s. */
  readonly firstMs?: Millis
  /** The longest such pause, in milliseconds. Default 10 s. */
  readonly longestMs?: Millis
  /** How long a failed piece of work counts as failing when none is tried again, in milliseconds. Default 10 minutes. */
  readonly failingMs?: Millis
}

/** Never less, so that other work of this process gets its turn. */
const LEAST: Millis = 1

/**
 * Repeats a pass until the signal aborts. The pass answers how long to pause, in milliseconds. One that rejects is reported and
 * repeated after a back-off. Pieces of work that fail or succeed without ending the pass, also after it, are reported to `pieces`.
 */
export async function repeatUntilAborted(
  pass: (pieces: WorkerObserver) => Promise<Millis>,
  { clock, signal, firstMs = SECOND, longestMs = 10 * SECOND, ...more }: RepeatOptions,
): Promise<void> {
  const observer = quiet(more.observer)
  const { pieces, ended } = pieceCount(clock, observer, more.failingMs ?? 10 * MINUTE)
  for (let failures = 0; !signal.aborted; ) {
    let pauseMs: Millis
    try {
      pauseMs = await pass(pieces)
      failures = 0
      ended()
    } catch (thrown) {
      if (signal.aborted) return
      observer.failed(thrown)
      failures += 1
      pauseMs = backOffMs({ failures, baseMs: firstMs, maxMs: longestMs })
    }
    await pause(pauseMs, clock, signal)
  }
}

/** Whole milliseconds: a clock may be too coarse for the rest, and would never get there. */
const pause = (ms: Millis, clock: Clock, signal: AbortSignal): Promise<void> =>
  clock.sleep(ms > LEAST ? Math.ceil(ms) : LEAST, signal).catch((thrown: unknown) => {
    if (!signal.aborted) throw thrown
  })

/** Counts what came of pieces of work between the ends of two passes. */
function pieceCount(clock: Clock, observer: WorkerObserver, failingMs: Millis) {
  let succeeded = false
  let sinceFailure: (() => Millis) | undefined
  return {
    pieces: {
      succeeded: () => void (succeeded = true),
      failed(error: unknown) {
        sinceFailure = stopwatch(clock)
        observer.failed(error)
      },
    },
    /** Says that a pass ended. */
    ended(): void {
      if (succeeded || (sinceFailure?.() ?? failingMs) >= failingMs) sinceFailure = undefined
      succeeded = false
      if (!sinceFailure) observer.succeeded()
    },
  }
}

const dropped = (call: () => void): void => {
  try {
    call()
  } catch {}
}

const quiet = (observer: WorkerObserver | undefined): WorkerObserver => ({
  succeeded: () => dropped(() => observer?.succeeded()),
  failed: (error) => dropped(() => observer?.failed(error)),
})

/** The observer of a part of a worker, until the part is dropped. */
export interface PartObserver extends WorkerObserver {
  /** The part is no more, and fails no more. */
  drop(): void
}

/** Makes observers for the parts of one worker, which succeeds only while none of them fails. */
export function createPartObservers(observer: WorkerObserver | undefined): () => PartObserver {
  const failing = new Set<PartObserver>()
  return () => {
    const part: PartObserver = {
      succeeded() {
        failing.delete(part)
        if (failing.size === 0) observer?.succeeded()
      },
      failed(error) {
        failing.add(part)
        observer?.failed(error)
      },
      drop: () => void failing.delete(part),
    }
    return part
  }
}
