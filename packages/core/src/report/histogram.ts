import type { Millis } from '../domain/time.ts'

/** Upper bounds in milliseconds, each a quarter over the one before, from 0.1 ms to about 10 minutes. */
const BOUNDS: readonly Millis[] = Array.from({ length: 71 }, (_, step) => 0.1 * 1.25 ** step)

/** The number of the bucket of a duration, from 0. The last bucket has no upper bound. */
export function bucketOf(ms: Millis): number {
  const at = BOUNDS.findIndex((bound) => ms <= bound)
  return at === -1 ? BOUNDS.length : at
}

/**
 * The duration that a share of all durations does not exceed. 0 without durations.
 *
 * @param share 0 to 1
 * @param of how many durations there are, the longest, and how many are in a bucket
 */
export function quantileOf(
  share: number,
  of: { readonly count: number; readonly longest: Millis; readonly inBucket: (bucket: number) => number },
): Millis {
  let left = Math.max(1, Math.ceil(share * of.count))
  for (let at = 0; at < BOUNDS.length; at += 1) {
    left -= of.inBucket(at)
    if (left <= 0) return Math.min(BOUNDS[at] ?? of.longest, of.longest)
  }
  return of.longest
}

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
      const bucket = bucketOf(ms)
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
    quantile: (share) => quantileOf(share, { count, longest, inBucket: (bucket) => buckets[bucket] ?? 0 }),
  }
}
