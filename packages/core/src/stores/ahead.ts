import { CLOCK_TOLERANCE, type Instant, MINUTE, type Millis } from '../domain/time.ts'

/**
 * The latest moment that a right clock may have written by now; see `isAhead`. What a clock that was ahead wrote holds no longer
 * than its own span once the clock is right: a lease, a claim, a delivery put off.
 */
export const ahead = (now: Instant): Instant => now + CLOCK_TOLERANCE

/** By how much a document may end later than its own life from now. More than elsewhere, because what it holds would be lost. */
export const DOCUMENT_TOLERANCE: Millis = MINUTE
