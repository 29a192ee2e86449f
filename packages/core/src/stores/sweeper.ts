import { DAY, type Instant } from '../domain/time.ts'

/** With fewer entries, nothing is swept. */
const SWEEP_FROM = 1_000

/**
 * Whether an entry expired a day ago or earlier. The day protects entries from a clock that is set forward by
 * mistake.
 */
export const isRemovable = (expiresAt: Instant, now: Instant): boolean => expiresAt + DAY <= now

/**
 * Returns a function to call after each write. It calls `sweep` at 1000 entries, and again when their number
 * has doubled since the last sweep, so that the average cost of a write is constant.
 */
export function createSweeper(size: () => number, sweep: (now: Instant) => void): (now: Instant) => void {
  let sweepAt = SWEEP_FROM
  return (now) => {
    if (size() < sweepAt) return
    sweep(now)
    sweepAt = Math.max(SWEEP_FROM, size() * 2)
  }
}
