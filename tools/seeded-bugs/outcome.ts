import type { SuiteRun } from '../crash-tests/suite-run.ts'
import type { SeededBug } from './bugs.ts'

/** Whether a suite caught its seeded bug. */
export interface Outcome {
  readonly suite: string
  readonly bug: string
  readonly status: 'caught' | 'not caught' | 'skipped'
  /** The invariant and its figure; or why the bug was not caught, or skipped. */
  readonly reason: string
  readonly seconds: number
}

/**
 * Judges the run of a suite with its bug. Only the figures of the invariants count. A run that crashed has none, so a crash is not a catch.
 */
export function judge(
  { invariants }: Pick<SeededBug, 'invariants'>,
  { exit, figure }: Pick<SuiteRun, 'exit' | 'figure'>,
): Pick<Outcome, 'status' | 'reason'> {
  const missing = invariants.find((name) => Number.isNaN(figure(name)))
  if (missing !== undefined) return { status: 'not caught', reason: `exit ${exit} without the figure "${missing}"` }
  const violated = invariants.find((name) => figure(name) > 0)
  if (violated === undefined) return { status: 'not caught', reason: `${invariants.join(', ')}: 0` }
  const reason = `${violated}: ${figure(violated)}`
  return exit === 1 ? { status: 'caught', reason } : { status: 'not caught', reason: `${reason}, but exit ${exit}` }
}

/** The outcomes as a table: suite, bug, invariant, seconds. */
export function table(outcomes: readonly Outcome[]): readonly string[] {
  const rows = [
    ['suite', 'bug', 'status', 'seconds', 'invariant'],
    ...outcomes.map(({ suite, bug, status, seconds, reason }) => [suite, bug, status, seconds.toFixed(0), reason]),
  ]
  const widths = [0, 1, 2, 3].map((column) => Math.max(...rows.map((row) => row[column]?.length ?? 0)))
  return rows.map((row) => row.map((cell, column) => cell.padEnd(widths[column] ?? 0)).join('  '))
}
