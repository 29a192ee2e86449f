import type { Instant } from '../domain/time.ts'

/** The clock of the connection that an error came from: its `retryAt` is a time of this clock. */
const clocks = new WeakMap<Error, () => Instant>()

/**
 * Remembers the clock of an error that a connection throws, for `errorTime`.
 *
 * @param thrown what is thrown; anything but an Error is left as it is
 * @param now the time by the clock of the connection, in milliseconds since 1970
 * @returns what was thrown
 */
export function withClock(thrown: unknown, now: () => Instant): unknown {
  if (thrown instanceof Error) clocks.set(thrown, now)
  return thrown
}

/** Gives the time now by the clock of an error, in milliseconds since 1970. Undefined: no clock of it is known. */
export const errorTime = (error: Error): Instant | undefined => clocks.get(error)?.()
