/**
 * A point in time: whole or fractional milliseconds since the Unix epoch. A member says whose clock it is on;
 * by default it is the wall clock of the `clock` port, or in a store the store's clock.
 */
export type Instant = number

/** A duration in milliseconds. */
export type Millis = number

/** A second in milliseconds. */
export const SECOND: Millis = 1_000
/** A minute in milliseconds. */
export const MINUTE: Millis = 60 * SECOND
/** An hour in milliseconds. */
export const HOUR: Millis = 60 * MINUTE
/** A day in milliseconds. */
export const DAY: Millis = 24 * HOUR

/** How much the clocks of processes that share a store may differ, in milliseconds. */
export const CLOCK_TOLERANCE: Millis = 5 * SECOND

/**
 * How much the clocks may differ that write and read a document, in milliseconds. Larger than for leases and
 * due times (5 s), because a document that counts as expired is lost.
 */
export const DOCUMENT_TOLERANCE: Millis = MINUTE

/**
 * Gives the latest time that a process with a correct clock may have stored by `now`. If a stored time is
 * later, the clock that wrote it was ahead, and stores ignore the time.
 *
 * @param tolerance how much clocks may differ, in milliseconds. Default 5 s; `DOCUMENT_TOLERANCE` for documents
 */
export const latestCredible = (now: Instant, tolerance = CLOCK_TOLERANCE): Instant => now + tolerance

/** Whether a stored time is in the future: a clock that was ahead wrote it, so that its age is not known. */
export const isFromFuture = (at: Instant, now: Instant, tolerance = CLOCK_TOLERANCE): boolean =>
  at > latestCredible(now, tolerance)

/**
 * Whether a stored period is in force at `now`. An end that is further away than `span` was written by a
 * clock that was ahead: when is not known, so that the period counts as over.
 *
 * @param until the end of the period
 * @param span its longest length, in milliseconds
 */
export const isInForce = (until: Instant, span: Millis, now: Instant, tolerance = CLOCK_TOLERANCE): boolean =>
  now < until && !isFromFuture(until, now + span, tolerance)

/** A time that never comes. */
export const NEVER: Instant = Number.MAX_SAFE_INTEGER

/** An instant as ISO 8601 in UTC. */
export const iso = (at: Instant): string => new Date(at).toISOString()

/** A number rounded to a tenth, as durations and percentages are shown. */
export const tenth = (value: number): number => Math.round(value * 10) / 10
