import type { Instant } from '@guestpass/core/store-kit'

/** The clock of the connection that an error came from: its `retryAt` is a time of this clock. */
const clocks = new WeakMap<Error, () => Instant>()

/** Remembers the clock of an error that a front door throws, and gives what was thrown. */
export function withClock(thrown: unknown, now: () => Instant): unknown {
  if (thrown instanceof Error) clocks.set(thrown, now)
  return thrown
}

/** The time by the clock of an error. Undefined: it came from no front door. */
export const timeOf = (error: Error): Instant | undefined => clocks.get(error)?.()
