import type { Millis } from '../domain/time.ts'

/** Counters and durations with fixed names and fixed buckets: nothing that grows. */
export interface Meter {
  /** Adds one. */
  count(name: string): void
  /** Records a duration. */
  time(name: string, ms: Millis): void
}
