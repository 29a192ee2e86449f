import type { Clock } from '@guestpass/core'
import { createMeters, stopwatch } from '@guestpass/core/runtime-kit'
import type { JobReport } from './job-report.ts'

/** Measures how long parts of a job take. */
export interface Timing {
  time<T>(work: () => Promise<T>): Promise<T>
  readonly quantiles: () => Pick<JobReport, 'p50Ms' | 'p99Ms'>
}

export function createTiming(clock: Clock): Timing {
  const measured = createMeters()
  return {
    async time(work) {
      const elapsed = stopwatch(clock)
      const value = await work()
      measured.time('work', elapsed())
      return value
    },
    quantiles: () => ({
      p50Ms: Math.round(measured.timed('work').quantile(0.5)),
      p99Ms: Math.round(measured.timed('work').quantile(0.99)),
    }),
  }
}
