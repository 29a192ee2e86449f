import { rmSync } from 'node:fs'
import type { GuestpassError } from '@guestpass/core'
import { commandRemedy, escapeForTerminal } from '@guestpass/runtime'
import { stringify } from 'csv-stringify/sync'
import { withVariables } from '../commands/runner/remedies.ts'
import { type AppendFile, openAppendFile, withFileErrors } from './append-file.ts'
import type { Row } from './row.ts'

/**
 * A file of the rows that failed, in the form of the imported file, with notes on why. Corrected, it can be
 * imported.
 */
export interface FailureFile {
  /** Absent while none failed. */
  readonly path: string | undefined
  add(row: Row, error: GuestpassError): void
  close(): void
}

/**
 * Creates the file when the first row fails, readable for its owner only. Removes that of an earlier import.
 */
export function createFailureFile(file: string, format: 'csv' | 'ndjson', connection?: string): FailureFile {
  const path = `${file}.failures.${format}`
  withFileErrors(path, () => rmSync(path, { force: true }))
  let kept: AppendFile | undefined
  let header = ''

  const csv = (values: Readonly<Record<string, unknown>>): string => {
    const columns = Object.keys(values)
    const names = stringify([columns])
    const first = header === ''
    if (first) header = names
    return (first ? names : '') + stringify([columns.map((name) => String(values[name]))])
  }

  return {
    get path() {
      return kept && path
    },
    add({ line, values, text }, error) {
      const { code, message, fields = [] } = withVariables(error, connection)
      const notes = {
        _line: line,
        // A row that was not corrected keeps its text.
        _row: text ?? values['_row'] ?? '',
        _code: code,
        _fault: fields.length > 0 ? fields.map((one) => `${one.field}: ${one.message}`).join('; ') : message,
        _remedy: fields.map(({ remedy }) => remedy).join(' ') || (commandRemedy(error, connection) ?? ''),
      }
      const own = Object.fromEntries(Object.entries(values).filter(([name]) => !(name in notes)))
      const noted = { ...own, ...notes }
      kept ??= openAppendFile(path)
      kept.write(format === 'csv' ? csv(noted) : `${escapeForTerminal(JSON.stringify(noted))}\n`)
    },
    close: () => kept?.close(),
  }
}
