import type { Millis } from '../domain/time.ts'

/** Counts of outcomes over the latest `windowMs`. Its memory does not grow with the traffic. */
export interface SlidingWindow {
  /** Counts one outcome. `now` is on the monotonic clock, in milliseconds. */
  add(isFailure: boolean, now: Millis): void
  /** The counts of the window that ends at `now`. */
  counts(now: Millis): { readonly total: number; readonly failed: number }
  clear(): void
}

interface Segment {
  /** The number of the period that the segment counts, since the start of the clock. */
  period: number
  total: number
  failed: number
}

const EMPTY = Number.NEGATIVE_INFINITY

/**
 * Creates a sliding window of a fixed number of segments. The oldest segment leaves as a whole, so that the
 * window is up to one segment shorter than `windowMs`.
 *
 * @param windowMs length of the window in milliseconds, at least `segments`
 * @param segments number of segments, at least 1
 */
export function createSlidingWindow(windowMs: Millis, segments: number): SlidingWindow {
  const ring: Segment[] = Array.from({ length: segments }, () => ({ period: EMPTY, total: 0, failed: 0 }))
  const periodAt = (now: Millis): number => Math.floor((now * segments) / windowMs)
  return {
    add(isFailure, now) {
      const period = periodAt(now)
      const segment = ring[period % segments] as Segment
      if (segment.period !== period) Object.assign(segment, { period, total: 0, failed: 0 })
      segment.total += 1
      if (isFailure) segment.failed += 1
    },
    counts(now) {
      const oldest = periodAt(now) - segments + 1
      const live = ring.filter(({ period }) => period >= oldest)
      return {
        total: live.reduce((sum, { total }) => sum + total, 0),
        failed: live.reduce((sum, { failed }) => sum + failed, 0),
      }
    },
    clear() {
      for (const segment of ring) segment.period = EMPTY
    },
  }
}
