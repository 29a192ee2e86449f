import type { Millis } from '../domain/time.ts'

/** Counts events and measures durations, by name. Its memory does not grow with the traffic. */
export interface Meter {
  /** Adds one to a counter. */
  count(name: string): void
  /** Records a duration in milliseconds. */
  time(name: string, ms: Millis): void
}
