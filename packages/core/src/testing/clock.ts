import type { Millis } from '../domain/time.ts'
import type { Clock } from '../ports/clock.ts'

/** A clock that moves only when told. */
export interface FakeClock extends Clock {
  /** Moves both clocks forward, waking sleepers in the order of their time; pending work settles before each step. */
  advance(ms: Millis): Promise<void>
  /** Moves the wall clock alone, forward or back, as an administrator or a suspended machine does. */
  stepWall(ms: Millis): void
  /** Sleepers that wait now. */
  readonly sleeping: number
}

/** Lets work that waits for nothing but promises run to its end. */
export const settle = async (): Promise<void> => {
  for (let round = 0; round < 5; round += 1) await new Promise((resolve) => setImmediate(resolve))
}

interface Sleeper {
  readonly at: Millis
  readonly wake: () => void
}

/** A fake clock; its wall starts at `start` (default 2026-01-01T00:00:00Z), its monotonic side at 0. */
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
      if (Number.isNaN(ms)) return Promise.reject(new RangeError('sleep takes a number of milliseconds, got NaN'))
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
