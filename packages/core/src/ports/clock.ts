import type { Instant, Millis } from '../domain/time.ts'

/** The clock that everything reads: wall time to store, monotonic time to measure, and sleep to wait. */
export interface Clock {
  /** Milliseconds since the epoch. It may be set back. */
  wall(): Instant
  /** Milliseconds since a fixed moment. It never goes back, and may stop while the machine sleeps. */
  monotonic(): Millis
  /**
   * Milliseconds since the machine started, also while it slept: the same in all processes of the machine.
   * Absent if the platform does not know it.
   */
  uptime?(): Millis
  /**
   * Resolves after `ms` milliseconds; 0 or less: at once. Rejects with the signal's reason when it aborts.
   * Throws RangeError on NaN.
   */
  sleep(ms: Millis, signal?: AbortSignal): Promise<void>
}

/**
 * Starts to measure. Returns a function that gives the elapsed milliseconds: the larger of the wall and the
 * monotonic clock's, at least 0. So a backward step of the wall clock shortens nothing, and the time of a
 * suspended machine counts.
 *
 * @example
 * ```ts
 * import { stopwatch } from '@guestpass/core/runtime-kit'
 * import { fakeClock } from '@guestpass/core/testing'
 *
 * const clock = fakeClock()
 * const elapsed = stopwatch(clock)
 * await clock.advance(250)
 * console.log(elapsed()) // 250
 * ```
 */
export function stopwatch(clock: Clock): () => Millis {
  const wall = clock.wall()
  const monotonic = clock.monotonic()
  return () => Math.max(clock.wall() - wall, clock.monotonic() - monotonic, 0)
}

/**
 * Starts a countdown of `ms` milliseconds. Returns a function that gives the rest, at least 0; counted as by
 * `stopwatch`.
 *
 * @example
 * ```ts
 * import { countdown } from '@guestpass/core/store-kit'
 * import { fakeClock } from '@guestpass/core/testing'
 *
 * const clock = fakeClock()
 * const left = countdown(clock, 1_000)
 * await clock.advance(250)
 * console.log(left()) // 750
 * ```
 */
export function countdown(clock: Clock, ms: Millis): () => Millis {
  const elapsed = stopwatch(clock)
  return () => Math.max(0, ms - elapsed())
}
