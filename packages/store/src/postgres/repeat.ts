import type { Clock, Random } from '@guestpass/core'
import { backOffMs, countdown, type Millis } from '@guestpass/core/store-kit'

/** What a repetition waits with. */
export interface RepeatParts {
  readonly clock: Clock
  readonly random: Random
  /** How long work is repeated, in milliseconds. */
  readonly waitMs: Millis
}

const FIRST_REPEAT: Millis = 5
const LONGEST_REPEAT: Millis = 500

/** Repeats work until it succeeds, fails for good, or `waitMs` have passed. */
export async function repeat<T>(
  { clock, random, waitMs }: RepeatParts,
  work: () => Promise<T>,
  mayPass: (thrown: unknown) => boolean,
): Promise<T> {
  const left = countdown(clock, waitMs)
  for (let failures = 1; ; failures += 1) {
    try {
      return await work()
    } catch (thrown) {
      if (!mayPass(thrown) || left() <= 0) throw thrown
      const backOff = { failures, baseMs: FIRST_REPEAT, maxMs: LONGEST_REPEAT, jitter: 1 }
      await clock.sleep(Math.min(left(), backOffMs(backOff, random.float())))
    }
  }
}
