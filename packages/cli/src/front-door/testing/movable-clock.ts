import type { Clock } from '@guestpass/core'
import type { Millis } from '@guestpass/core/store-kit'

/** A clock that runs as another one does, and that can be moved ahead of it. */
export interface MovableClock extends Clock {
  /** Moves wall time, monotonic time and uptime ahead. Calls of `sleep` that are over by then resolve. */
  advance(ms: Millis): void
  /** How long until the next sleep ends, in milliseconds; Infinity if nothing sleeps. */
  nextEnd(): Millis
  /** How many sleeps have begun, also those that began again because the clock was moved. */
  sleeps(): number
}

export function createMovableClock(base: Clock): MovableClock {
  let ahead: Millis = 0
  const sleepers = new Map<AbortController, Millis>()
  let begun = 0
  const monotonic = (): Millis => base.monotonic() + ahead

  /** Sleeps until the time has passed, or the clock is moved. */
  async function sleepUntilMoved(ms: Millis, signal: AbortSignal | undefined): Promise<void> {
    const moved = new AbortController()
    sleepers.set(moved, monotonic() + ms)
    begun += 1
    try {
      await base.sleep(ms, signal ? AbortSignal.any([signal, moved.signal]) : moved.signal)
    } catch (thrown) {
      signal?.throwIfAborted()
      if (!moved.signal.aborted) throw thrown
    } finally {
      sleepers.delete(moved)
    }
  }

  return {
    wall: () => base.wall() + ahead,
    monotonic,
    ...(base.uptime && { uptime: () => (base.uptime?.() ?? 0) + ahead }),
    async sleep(ms, signal) {
      const until = monotonic() + ms
      // `base` also checks the arguments.
      do await sleepUntilMoved(until - monotonic(), signal)
      while (monotonic() < until)
    },
    nextEnd: () => Math.min(...sleepers.values()) - monotonic(),
    sleeps: () => begun,
    advance(ms) {
      ahead += ms
      for (const moved of sleepers.keys()) moved.abort()
    },
  }
}
