import type { Instant, Millis } from '../domain/time.ts'

/** Wall time for what is written down, monotonic time for what is measured, sleep for what is waited for. */
export interface Clock {
  wall(): Instant
  /** Milliseconds since some fixed moment; never goes back, may stand still while the machine sleeps. */
  monotonic(): Millis
  /**
   * Milliseconds since the machine started, counted while it sleeps too, whatever the wall clock is set to: the same in all
   * processes of one machine. Absent where that cannot be known.
   */
  uptime?(): Millis
  /** Resolves after `ms` (any finite length, 0 or less at once); rejects with the signal's reason when it aborts. Throws RangeError on NaN. */
  sleep(ms: Millis, signal?: AbortSignal): Promise<void>
}

/**
 * Starts measuring. The answer is a function that gives the time elapsed: the larger of the wall and the monotonic clock's,
 * never negative, so that a backward step of the wall clock shortens nothing and a suspended machine counts.
 */
export function stopwatch(clock: Clock): () => Millis {
  const wall = clock.wall()
  const monotonic = clock.monotonic()
  return () => Math.max(clock.wall() - wall, clock.monotonic() - monotonic, 0)
}

/** Begins to wait for `ms`. The answer is a function that gives what is left of it, at least 0; counted as a stopwatch counts. */
export function countdown(clock: Clock, ms: Millis): () => Millis {
  const elapsed = stopwatch(clock)
  return () => Math.max(0, ms - elapsed())
}
