import type { Millis } from '../domain/time.ts'

/** Upper bounds in milliseconds, each a quarter over the one before, from 0.1 ms to about 10 minutes. */
const BOUNDS: readonly Millis[] = Array.from({ length: 71 }, (_, step) => 0.1 * 1.25 ** step)

/** Durations in fixed buckets. The memory does not grow; quantiles are exact to within a quarter. */
export interface Histogram {
  /** Records a duration in milliseconds. */
  add(ms: Millis): void
  /** How many durations were recorded. */
  readonly count: number
  /** The sum of all durations. */
  readonly sum: Millis
  /** The arithmetic mean; 0 without durations. */
  readonly mean: Millis
  /** The duration that a share of all durations does not exceed. `share`: 0 to 1. 0 without durations. */
  quantile(share: number): Millis
}

/** Creates an empty histogram. */
export function createHistogram(): Histogram {
  const buckets = new Float64Array(BOUNDS.length + 1)
  let count = 0
  let sum = 0
  let longest = 0
  return {
    /** Records a duration in milliseconds. */
    add(ms) {
      const at = BOUNDS.findIndex((bound) => ms <= bound)
      const bucket = at === -1 ? BOUNDS.length : at
      buckets[bucket] = (buckets[bucket] ?? 0) + 1
      count += 1
      sum += ms
      longest = Math.max(longest, ms)
    },
    get count() {
      return count
    },
    get sum() {
      return sum
    },
    get mean() {
      return count === 0 ? 0 : sum / count
    },
    quantile(share) {
      let left = Math.max(1, Math.ceil(share * count))
      for (let at = 0; at < BOUNDS.length; at += 1) {
        left -= buckets[at] ?? 0
        if (left <= 0) return Math.min(BOUNDS[at] ?? longest, longest)
      }
      return longest
    },
  }
}
