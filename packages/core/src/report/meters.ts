import type { Meter } from '../ports/meter.ts'
import { type Histogram, createHistogram } from './histogram.ts'

/** The counters and histograms of this process. */
export interface Meters extends Meter {
  /** The value of a counter; 0 if it was never counted. */
  counted(name: string): number
  /** The durations of a name. */
  timed(name: string): Pick<Histogram, 'count' | 'sum' | 'mean' | 'quantile'>
  /** All counters by name. */
  readonly counters: ReadonlyMap<string, number>
}

/**
 * Creates the counters and histograms of a process.
 *
 * @example
 * ```ts
 * import { createMeters } from '@guestpass/core/runtime-kit'
 *
 * const meters = createMeters()
 * meters.count('refreshes')
 * meters.time('refresh', 12)
 * console.log(meters.counted('refreshes'), meters.timed('refresh').mean) // 1 12
 * ```
 */
export function createMeters(): Meters {
  const counters = new Map<string, number>()
  const durations = new Map<string, Histogram>()
  const durationsOf = (name: string): Histogram => {
    const known = durations.get(name) ?? createHistogram()
    durations.set(name, known)
    return known
  }
  return {
    count: (name) => void counters.set(name, (counters.get(name) ?? 0) + 1),
    time: (name, ms) => durationsOf(name).add(ms),
    counted: (name) => counters.get(name) ?? 0,
    timed: durationsOf,
    counters,
  }
}
