/** A point in time: whole or fractional milliseconds since the epoch, on the clock that the reader of the value names. */
export type Instant = number

/** A length of time in milliseconds. */
export type Millis = number

export const SECOND: Millis = 1_000
export const MINUTE: Millis = 60 * SECOND
export const HOUR: Millis = 60 * MINUTE
export const DAY: Millis = 24 * HOUR

/** Clocks of processes that share a store may differ by this much. */
export const CLOCK_TOLERANCE: Millis = 5 * SECOND

/** The same for documents. Larger, because what a document holds would be lost. */
export const DOCUMENT_TOLERANCE: Millis = MINUTE

/** The latest moment that a right clock may have written by now. */
export const latestCredible = (now: Instant, tolerance = CLOCK_TOLERANCE): Instant => now + tolerance

/** Whether a stored moment lies in the future: a clock that was ahead wrote it, and its age is not known. */
export const isFromFuture = (at: Instant, now: Instant, tolerance = CLOCK_TOLERANCE): boolean =>
  at > latestCredible(now, tolerance)

/**
 * Whether what was stored to hold until `until`, and for `span` at most, still holds at `now`. What would end later than its span
 * from now was written by a clock that was ahead: when that was is not known, and it holds no longer.
 */
export const isInForce = (until: Instant, span: Millis, now: Instant, tolerance = CLOCK_TOLERANCE): boolean =>
  now < until && !isFromFuture(until, now + span, tolerance)

/** Later than any moment: what is due then never is. */
export const NEVER: Instant = Number.MAX_SAFE_INTEGER

/** An instant as ISO 8601 in UTC, for people and for JSON. */
export const iso = (at: Instant): string => new Date(at).toISOString()

/** A measured number, as durations and percentages are shown: to a tenth. */
export const tenth = (value: number): number => Math.round(value * 10) / 10
