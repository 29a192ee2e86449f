import type { JournalEntry, Sandbox } from '@guestpass/sandbox'

/** The result of one job. */
export interface JobReport {
  readonly job: string
  readonly asked: number
  readonly done: number
  readonly failed: number
  readonly p50Ms: number
  readonly p99Ms: number
  /** Requests to the upstream for this job. */
  readonly upstreamCalls: number
  /** Requests that the upstream refused with 429. */
  readonly refused429: number
  /** Guests that lack the token that was issued to them, or a valid one. */
  readonly lost: number
  /** Guests that the upstream made, or refreshed, more than once. */
  readonly doubled: number
}

/** Whether the job did what it should. */
export const succeeded = ({ asked, done, failed, lost, doubled }: JobReport): boolean =>
  done === asked && failed === 0 && lost === 0 && doubled === 0

/** The requests that the upstream received for a job, and how many. */
type UpstreamCalls = Pick<JobReport, 'upstreamCalls' | 'refused429'> & { readonly entries: readonly JournalEntry[] }

const withCounts = (entries: readonly JournalEntry[]): UpstreamCalls => ({
  entries,
  upstreamCalls: entries.length,
  refused429: entries.filter(({ status }) => status === 429).length,
})

/** The requests of one operation for some guests. */
export const upstreamCallsFor = (
  journal: readonly JournalEntry[],
  operation: string,
  guests: ReadonlySet<string>,
): UpstreamCalls =>
  withCounts(
    journal.filter(
      (entry) => entry.operation === operation && (entry.guestId === undefined || guests.has(entry.guestId)),
    ),
  )

/** Counts the requests of some operations from now on. */
export function countCallsFromNow(upstream: Sandbox): (operations: readonly string[]) => UpstreamCalls {
  const from = upstream.journal().at(-1)?.seq ?? 0
  return (operations) =>
    withCounts(upstream.journal().filter(({ seq, operation }) => seq > from && operations.includes(operation ?? '')))
}

/** How many more guests the upstream made than were requested. */
export const extraCreates = (entries: readonly JournalEntry[], asked: number): number =>
  Math.max(0, entries.filter(({ operation, status }) => operation === 'create' && status === 201).length - asked)

const columns: readonly [title: string, value: (report: JobReport) => string | number][] = [
  ['job', ({ job }) => job],
  ['asked', ({ asked }) => asked],
  ['done', ({ done }) => done],
  ['failed', ({ failed }) => failed],
  ['p50 ms', ({ p50Ms }) => p50Ms],
  ['p99 ms', ({ p99Ms }) => p99Ms],
  ['upstream calls', ({ upstreamCalls }) => upstreamCalls],
  ['429s met', ({ refused429 }) => refused429],
  ['lost', ({ lost }) => lost],
  ['doubled', ({ doubled }) => doubled],
]

/** The reports as a table: a line of titles, then a line for each job. */
export function jobLines(reports: readonly JobReport[]): readonly string[] {
  const rows = [
    columns.map(([title]) => title),
    ...reports.map((report) => columns.map(([, value]) => String(value(report)))),
  ]
  const widths = columns.map((_, column) => Math.max(...rows.map((row) => row[column]?.length ?? 0)))
  const cell = (text: string, column: number): string =>
    column === 0 ? text.padEnd(widths[column] ?? 0) : text.padStart(widths[column] ?? 0)
  return rows.map((row) => row.map(cell).join('  '))
}
