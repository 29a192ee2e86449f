import type { Meter } from '../ports/meter.ts'
import { type Histogram, createHistogram } from './histogram.ts'

/** Counters and histograms of this process. */
export interface Meters extends Meter {
  /** The counters by name; 0 for one never counted. */
  counted(name: string): number
  timed(name: string): Pick<Histogram, 'count' | 'sum' | 'mean' | 'quantile'>
  readonly counters: ReadonlyMap<string, number>
}

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
