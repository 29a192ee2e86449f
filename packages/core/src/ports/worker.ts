import { backOffMs } from '../domain/back-off.ts'
import { MINUTE, type Millis, SECOND } from '../domain/time.ts'
import { type Clock, stopwatch } from './clock.ts'

/** Receives the outcome of each pass of a worker. Its errors are dropped. */
export interface WorkerObserver {
  /**
   * A pass ended, also without work. Called at most once for each pass. Not called while all of the latest
   * work has failed and is tried again.
   */
  succeeded(): void
  /** A pass, or a part of its work, failed. Called for each failure. The worker goes on. */
  failed(error: unknown): void
}

/** Work in the background. */
export interface Worker {
  /** Works until the signal aborts. Resolves when the started work has ended. */
  run(signal: AbortSignal, observer?: WorkerObserver): Promise<void>
  /** Counts the waiting work up to `most`, at least 1. Absent if work is never stored. */
  readonly backlog?: (most: number) => Promise<number>
}

/** A worker whose work waits in a store. */
export interface StoredWorker extends Worker {
  readonly backlog: (most: number) => Promise<number>
}

/** Options of `repeatUntilAborted`. */
export interface RepeatOptions {
  readonly clock: Clock
  readonly signal: AbortSignal
  readonly observer?: WorkerObserver | undefined
  /** The back-off after a failed pass, in milliseconds. It doubles with each further one. Default 1 s. */
  readonly firstMs?: Millis
  /** The longest back-off, in milliseconds. Default 10 s. */
  readonly longestMs?: Millis
  /**
   * How long a failed part of the work counts as failing if no part is tried again, in milliseconds. Default
   * 10 minutes.
   */
  readonly failingMs?: Millis
}

/** The shortest pause in milliseconds, so that other work of this process can run. */
const LEAST: Millis = 1

/**
 * Repeats a pass of work until the signal aborts. The pass resolves to the pause before the next one, in
 * milliseconds. A pass that rejects is reported, and repeated after a back-off. To implement `Worker.run`. If
 * parts of a pass can fail alone, the pass reports each part to `progress`, also after it has ended.
 */
export async function repeatUntilAborted(
  pass: (progress: WorkerObserver) => Promise<Millis>,
  { clock, signal, firstMs = SECOND, longestMs = 10 * SECOND, ...more }: RepeatOptions,
): Promise<void> {
  const observer = quiet(more.observer)
  const { progress, ended } = createProgress(clock, observer, more.failingMs ?? 10 * MINUTE)
  for (let failures = 0; !signal.aborted; ) {
    let pauseMs: Millis
    try {
      pauseMs = await pass(progress)
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

/** Whole milliseconds, because a coarse clock may never reach a fraction. */
const pause = (ms: Millis, clock: Clock, signal: AbortSignal): Promise<void> =>
  clock.sleep(ms > LEAST ? Math.ceil(ms) : LEAST, signal).catch((thrown: unknown) => {
    if (!signal.aborted) throw thrown
  })

/** Tracks the parts of the work between the ends of two passes. */
function createProgress(clock: Clock, observer: WorkerObserver, failingMs: Millis) {
  let succeeded = false
  let sinceFailure: (() => Millis) | undefined
  return {
    progress: {
      succeeded: () => void (succeeded = true),
      failed(error: unknown) {
        sinceFailure = stopwatch(clock)
        observer.failed(error)
      },
    },
    /** Called when a pass has ended. */
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

/** The observer of one part of a worker. */
export interface PartObserver extends WorkerObserver {
  /** Forgets the part and its failures. */
  drop(): void
}

/** Creates observers for the parts of one worker. The worker succeeds only while no part fails. */
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
