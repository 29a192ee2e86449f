import { type Instant, MINUTE, type Millis, SECOND } from '../domain/time.ts'

/**
 * Clocks of processes differ by a little; a moment that is further in the future than this was written by a clock that was ahead.
 * What such a clock wrote holds no longer than its own span once the clock is right: a lease, a claim, a delivery put off.
 */
export const ahead = (now: Instant): Instant => now + SECOND

/** By how much a document may end later than its own life from now: more than clocks of machines differ. */
export const DOCUMENT_TOLERANCE: Millis = MINUTE
