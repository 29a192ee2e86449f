/** A point in time: whole or fractional milliseconds since the epoch, on the clock that the reader of the value names. */
export type Instant = number

/** A length of time in milliseconds. */
export type Millis = number

export const SECOND: Millis = 1_000
export const MINUTE: Millis = 60 * SECOND
export const HOUR: Millis = 60 * MINUTE
export const DAY: Millis = 24 * HOUR

/** Later than any moment: what is due then never is. */
export const NEVER: Instant = Number.MAX_SAFE_INTEGER

/** An instant as ISO 8601 in UTC, for people and for JSON. */
export const iso = (at: Instant): string => new Date(at).toISOString()
