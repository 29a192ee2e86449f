import type { JournalEntry, Sandbox } from '@guestpass/sandbox'

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
  /** Guests without the token that they were told of, or without any that is valid. */
  readonly lost: number
  /** Guests for whom upstream did more than was asked. */
  readonly doubled: number
}

/** True when the job did what it should. */
export const succeeded = ({ asked, done, failed, lost, doubled }: JobReport): boolean =>
  done === asked && failed === 0 && lost === 0 && doubled === 0

/** What upstream met of one operation for some guests. */
export function upstreamCallsFor(
  journal: readonly JournalEntry[],
  operation: string,
  guests: ReadonlySet<string>,
): Pick<JobReport, 'upstreamCalls' | 'refused429'> & { readonly entries: readonly JournalEntry[] } {
  const entries = journal.filter(
    (entry) => entry.operation === operation && (entry.guestId === undefined || guests.has(entry.guestId)),
  )
  return { entries, upstreamCalls: entries.length, refused429: entries.filter(({ status }) => status === 429).length }
}

/** What upstream meets from now on of some operations. */
export function countCallsFromNow(upstream: Sandbox): (operations: readonly string[]) => Pick<
  JobReport,
  'upstreamCalls' | 'refused429'
> & {
  readonly entries: readonly JournalEntry[]
} {
  const from = upstream.journal().at(-1)?.seq ?? 0
  return (operations) => {
    const entries = upstream
      .journal()
      .filter(({ seq, operation }) => seq > from && operations.includes(operation ?? ''))
    return { entries, upstreamCalls: entries.length, refused429: entries.filter(({ status }) => status === 429).length }
  }
}

/** How many more people upstream made than were asked for. */
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

/** The reports as a table, a line each under a line of titles. */
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
