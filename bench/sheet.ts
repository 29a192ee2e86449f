import { type Target, verdict } from './targets.ts'

/** A measure whose figures are counts, times and sizes: a table, each contender with a figure under every heading. */
export interface Sheet {
  readonly title: string
  readonly headings: readonly string[]
  readonly lines: readonly Line[]
  readonly targets: readonly Target[]
  /** What could not be measured here, and why. */
  readonly skipped?: string
  /** Its lines in the short table. */
  readonly summary?: readonly SummaryRow[]
}

export interface Line {
  readonly name: string
  /** What it does, or how it is set. */
  readonly does: string
  readonly ours: boolean
  /** In the order of the headings; a dash where it has none. */
  readonly values: readonly (number | string)[]
}

/** A line of the short table: what was measured, ours and the best of the others, as texts. */
export interface SummaryRow {
  readonly measure: string
  readonly ours: string
  readonly best: string
  readonly timesPeer?: string
  readonly timesLimit?: string
}

/** The sheet as a Markdown table, and a line for each target. */
export function sheetShown({ title, headings, lines, targets, skipped }: Sheet): string {
  const row = (cells: readonly (number | string)[]): string => `| ${cells.map(cell).join(' | ')} |`
  return [
    `### ${title}`,
    '',
    row(['', '', ...headings]),
    `|---|---|${headings.map(() => '--:|').join('')}`,
    ...lines.map(({ name, does, ours, values }) => row([ours ? `**${name}**` : name, does, ...values])),
    '',
    ...targets.map(verdict),
    ...(skipped === undefined ? [] : [skipped]),
    '',
  ].join('\n')
}

const cell = (value: number | string): string => (typeof value === 'number' ? value.toLocaleString('en') : value)
