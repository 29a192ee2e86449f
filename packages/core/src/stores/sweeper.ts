import { DAY, type Instant } from '../domain/time.ts'

/** Entries up to which none is looked for that has expired. */
const SWEEP_FROM = 1_000

/** Whether what expired may be removed: a day late, so that a clock set forward by mistake removes nothing that still counts. */
export const isRemovable = (expiresAt: Instant, now: Instant): boolean => expiresAt + DAY <= now

/**
 * Gives a function to call after each write. It calls `sweep` once there are 1000 entries, and again once there are twice as many as were
 * left. So a write costs little on average, however many entries there are.
 */
export function createSweeper(size: () => number, sweep: (now: Instant) => void): (now: Instant) => void {
  let sweepAt = SWEEP_FROM
  return (now) => {
    if (size() < sweepAt) return
    sweep(now)
    sweepAt = Math.max(SWEEP_FROM, size() * 2)
  }
}
