import type { Millis } from '../domain/time.ts'
import type { Clock } from '../ports/clock.ts'

/** A clock that moves only when a test moves it. */
export interface FakeClock extends Clock {
  /**
   * Moves the wall clock and the monotonic clock forward by milliseconds, at least 0. Calls of `sleep` that
   * end meanwhile resolve in the order of their ends; pending promises settle before each of them.
   */
  advance(ms: Millis): Promise<void>
  /**
   * Moves the wall clock alone by milliseconds, back if negative, as an administrator does. Wakes no sleeper.
   */
  stepWall(ms: Millis): void
  /** How many calls of `sleep` have not ended. */
  readonly sleeping: number
}

/**
 * Waits until work that waits only for promises has run to its end. It gives the event loop five turns, so
 * that work that waits for a socket or a timer may still run.
 */
export const settle = async (): Promise<void> => {
  for (let round = 0; round < 5; round += 1) await new Promise((resolve) => setImmediate(resolve))
}

interface Sleeper {
  readonly at: Millis
  readonly wake: () => void
}

/**
 * Makes a clock for tests, in place of `systemClock`. It moves only by `advance` and `stepWall`.
 *
 * `sleep` rejects with a RangeError for NaN, and with the reason of the signal when that is aborted.
 *
 * @param start where the wall clock starts, in milliseconds since the epoch; default 2026-01-01T00:00:00Z.
 *   The monotonic clock starts at 0.
 *
 * @example
 * ```ts
 * import assert from 'node:assert/strict'
 * import { fakeClock } from '@guestpass/core/testing'
 *
 * const clock = fakeClock(Date.UTC(2026, 0, 1))
 * const slept = clock.sleep(60_000)
 * await clock.advance(60_000)
 * await slept
 * assert.equal(clock.wall(), Date.UTC(2026, 0, 1, 0, 1))
 * ```
 */
export function fakeClock(start = Date.UTC(2026, 0, 1)): FakeClock {
  let wall = start
  let monotonic = 0
  const sleepers = new Set<Sleeper>()
  const next = (until: Millis): Sleeper | undefined =>
    [...sleepers].filter((sleeper) => sleeper.at <= until).sort((a, b) => a.at - b.at)[0]
  const move = (to: Millis): void => {
    wall += to - monotonic
    monotonic = to
  }
  return {
    wall: () => wall,
    monotonic: () => monotonic,
    uptime: () => monotonic,
    sleep(ms, signal) {
      if (Number.isNaN(ms)) return Promise.reject(new RangeError('sleep() got NaN: pass a number of milliseconds.'))
      return new Promise((resolve, reject) => {
        if (signal?.aborted) return reject(signal.reason as Error)
        if (ms <= 0) return resolve()
        const sleeper: Sleeper = { at: monotonic + ms, wake: () => end(resolve) }
        const stop = (): void => end(() => reject(signal?.reason as Error))
        const end = (then: () => void): void => {
          sleepers.delete(sleeper)
          signal?.removeEventListener('abort', stop)
          then()
        }
        sleepers.add(sleeper)
        signal?.addEventListener('abort', stop, { once: true })
      })
    },
    async advance(ms) {
      const until = monotonic + ms
      await settle()
      for (let sleeper = next(until); sleeper; sleeper = next(until)) {
        move(Math.max(sleeper.at, monotonic))
        sleeper.wake()
        await settle()
      }
      move(until)
      await settle()
    },
    stepWall(ms) {
      wall += ms
    },
    get sleeping() {
      return sleepers.size
    },
  }
}
