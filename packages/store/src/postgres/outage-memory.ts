import type { Clock } from '@guestpass/core'
import { countdown, type Millis } from '@guestpass/core/store-kit'
import { isOutage } from './errors.ts'

/** Remembers since when no call has succeeded. */
export interface OutageMemory {
  /** How long a call that begins now may wait for the server. */
  left(): Millis
  /** Runs a try, and remembers how it ended. */
  during<T>(work: () => Promise<T>): Promise<T>
}

/**
 * Creates the memory of a kind of call. If the server has been gone for as long as a call waits, further calls fail
 * after one try: a request makes several calls, and would wait for each of them.
 */
export function createOutageMemory(clock: Clock, waitMs: Millis): OutageMemory {
  let left: (() => Millis) | undefined
  return {
    left: () => left?.() ?? waitMs,
    async during(work) {
      const leftOfOutage = countdown(clock, waitMs)
      try {
        const value = await work()
        left = undefined
        return value
      } catch (thrown) {
        if (isOutage(thrown)) left ??= leftOfOutage
        throw thrown
      }
    },
  }
}
