import { fileLines } from '../input-text.ts'
import { LONGEST_ROW } from './row.ts'

/** A record as written in the file. A quoted field with line breaks spans several lines. */
interface CsvRecord {
  /** The line on which it begins, from 1. */
  readonly line: number
  readonly text: string
  /** Why its text is not what the file says. */
  readonly fault?: string
}

const quotesIn = (text: string): number => text.split('"').length - 1

/**
 * The records of a CSV file. A quote that is never closed, or not within the longest row, spoils its own line
 * alone: what comes after it is read as if that line were not there.
 */
export async function* csvRecords(path: string): AsyncGenerator<CsvRecord> {
  let open: CsvRecord[] = []
  let line = 0
  for await (const read of fileLines(path)) {
    line += 1
    open.push({ line, ...read })
    const { whole, rest } = completeRecords(open, false)
    yield* whole
    open = rest
  }
  yield* completeRecords(open, true).whole
}

/** What of some lines are whole records, and what may go on. */
function completeRecords(
  lines: CsvRecord[],
  isEnd: boolean,
): { readonly whole: CsvRecord[]; readonly rest: CsvRecord[] } {
  const whole: CsvRecord[] = []
  for (let rest = lines; ; ) {
    const [first] = rest
    if (!first) return { whole, rest }
    const length = linesInRecord(rest)
    if (length !== undefined) {
      const ofRecord = rest.slice(0, length)
      const fault = ofRecord.find((one) => one.fault !== undefined)?.fault
      const text = ofRecord.map((one) => one.text).join('\n')
      whole.push({ line: first.line, text, ...(fault === undefined ? {} : { fault }) })
      rest = rest.slice(length)
    } else if (isEnd || rest.reduce((sum, { text }) => sum + text.length, 0) > LONGEST_ROW) {
      whole.push(first)
      rest = rest.slice(1)
    } else return { whole, rest }
  }
}

/** After how many lines every quote is closed; undefined when none of them closes the last. */
function linesInRecord(lines: readonly CsvRecord[]): number | undefined {
  let quotes = 0
  for (const [at, { text }] of lines.entries()) {
    quotes += quotesIn(text)
    if (quotes % 2 === 0) return at + 1
  }
  return undefined
}
