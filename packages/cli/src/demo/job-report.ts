import { type Meters } from '@guestpass/core'
import type { JournalEntry } from '@guestpass/sandbox'

/** What came of one job. */
export interface JobReport {
  readonly job: string
  readonly asked: number
  readonly done: number
  readonly failed: number
  readonly p50Ms: number
  readonly p99Ms: number
  /** Requests that upstream met for this job. */
  readonly upstreamCalls: number
  /** Requests that upstream refused because there were too many. */
  readonly refused429: number
  /** Guests that were told of a token which the store does not have. */
  readonly lost: number
  /** Guests for whom upstream made more tokens than were asked for. */
  readonly doubled: number
}

/** True when the job did what it should. */
export const succeeded = ({ asked, done, failed, lost, doubled }: JobReport): boolean =>
  done === asked && failed === 0 && lost === 0 && doubled === 0

/** The durations that a job's own meter took. */
export const timing = (meters: Meters, name: string): Pick<JobReport, 'p50Ms' | 'p99Ms'> => {
  const timed = meters.timed(name)
  return { p50Ms: tenth(timed.quantile(0.5)), p99Ms: tenth(timed.quantile(0.99)) }
}

const tenth = (value: number): number => Math.round(value * 10) / 10

/** What upstream's journal says of some of its operations. */
export function upstreamSide(
  journal: readonly JournalEntry[],
  operations: readonly string[],
): Pick<JobReport, 'upstreamCalls' | 'refused429' | 'doubled'> {
  const met = journal.filter(({ operation }) => operation !== undefined && operations.includes(operation))
  const made = new Map<string, number>()
  for (const { guestId, status } of met) {
    if (guestId !== undefined && status === 200) made.set(guestId, (made.get(guestId) ?? 0) + 1)
  }
  return {
    upstreamCalls: met.length,
    refused429: met.filter(({ status }) => status === 429).length,
    doubled: [...made.values()].filter((times) => times > 1).length,
  }
}

export function jobLines(reports: readonly JobReport[]): readonly string[] {
  const rows = [
    ['job', 'asked', 'done', 'failed', 'p50 ms', 'p99 ms', 'upstream', '429', 'lost', 'doubled'],
    ...reports.map((one) => [
      one.job,
      ...[
        one.asked,
        one.done,
        one.failed,
        one.p50Ms,
        one.p99Ms,
        one.upstreamCalls,
        one.refused429,
        one.lost,
        one.doubled,
      ].map(String),
    ]),
  ]
  const widths = rows[0]?.map((_, column) => Math.max(...rows.map((row) => row[column]?.length ?? 0))) ?? []
  return rows.map((row) =>
    row
      .map((cell, column) => (column === 0 ? cell.padEnd(widths[0] ?? 0) : cell.padStart(widths[column] ?? 0)))
      .join('  '),
  )
}
