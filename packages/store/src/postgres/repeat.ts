import type { Clock, Random } from '@guestpass/core'
import { backOffMs, countdown, type Millis, SECOND } from '@guestpass/core/store-kit'

/** What a repetition waits with. */
export interface RepeatParts {
  readonly clock: Clock
  readonly random: Random
}

const FIRST_REPEAT: Millis = 5
const LONGEST_REPEAT: Millis = 500

/** A try that has begun gets this time for its answers, although its caller has less left. */
const SHORTEST_TRY: Millis = 2 * SECOND

/**
 * Repeats work until it succeeds, fails for good, or the caller has no time left.
 *
 * @param left how long the caller still waits, in milliseconds
 * @param work gets the time that is left for this try
 */
export async function repeat<T>(
  { clock, random }: RepeatParts,
  left: () => Millis,
  work: (left: () => Millis) => Promise<T>,
  mayPass: (thrown: unknown) => boolean,
): Promise<T> {
  for (let failures = 1; ; failures += 1) {
    try {
      return await work(countdown(clock, Math.max(left(), SHORTEST_TRY)))
    } catch (thrown) {
      if (!mayPass(thrown) || left() <= 0) throw thrown
      const backOff = { failures, baseMs: FIRST_REPEAT, maxMs: LONGEST_REPEAT, jitter: 1 }
      await clock.sleep(Math.min(left(), backOffMs(backOff, random.float())))
    }
  }
}
