import type { Millis } from './time.ts'

/** Figures of an exponential back-off. */
export interface BackOffFigures {
  /** Failures in a row, at least 1. */
  readonly failures: number
  /** The back-off after the first failure, in milliseconds. It doubles with every further one. */
  readonly baseMs: Millis
  /** The longest back-off, in milliseconds. */
  readonly maxMs: Millis
  /** The part of the back-off that chance may take away, from 0 (none, the default) to 1 (full jitter). */
  readonly jitter?: number
}

/** More would give Infinity, and NaN for a base of 0. */
const MAX_DOUBLINGS = 50

/**
 * The exponential back-off after failures in a row, in milliseconds.
 *
 * @param random at least 0, less than 1: 0 gives the shortest back-off, 1 the whole. It is not used without
 *   jitter.
 * @see https://aws.amazon.com/blogs/architecture/exponential-backoff-and-jitter/
 */
export const backOffMs = ({ failures, baseMs, maxMs, jitter = 0 }: BackOffFigures, random = 1): Millis =>
  Math.min(baseMs * 2 ** Math.min(failures - 1, MAX_DOUBLINGS), maxMs) * (1 - jitter * (1 - random))

/** The part of a wait by which it may be longer. */
const SPREAD = 0.1

/**
 * Gives the wait that a server named (`Retry-After`) and up to a tenth more, in milliseconds, so that not all
 * callers come back at once.
 *
 * @param random at least 0, less than 1
 */
export const withSpread = (ms: Millis, random: number): Millis => ms * (1 + SPREAD * random)
