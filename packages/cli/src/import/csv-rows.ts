import { type Field, GuestpassError } from '@guestpass/core'
import { closestName } from '@guestpass/core/runtime-kit'
import { CsvError, parse } from 'csv-parse/sync'
import { counted } from '../counted.ts'
import { csvRecords } from './csv-records.ts'
import { importColumns } from './import-options.ts'
import { encodingFault, isNoteColumn, LONGEST_ROW, type Row } from './row.ts'

const ATTRIBUTE = 'attributes.'

/** Names of columns that a request can have. */
const COLUMNS: readonly string[] = importColumns.map(({ name }) => name)

const faults: Readonly<Record<string, string>> = {
  CSV_QUOTE_NOT_CLOSED: 'a quote is not closed',
  CSV_INVALID_CLOSING_QUOTE: 'a quote is closed in the middle of a field',
  INVALID_OPENING_QUOTE: 'a quote is opened in the middle of a field',
  CSV_MAX_RECORD_SIZE: `the row is longer than ${LONGEST_ROW} bytes`,
}

/**
 * Rows of a CSV file (RFC 4180) whose first line names the columns. Rejects with `invalid_input` for a file
 * without usable columns.
 */
export async function* csvRows(path: string): AsyncGenerator<Row> {
  let columns: readonly string[] | undefined
  for await (const { line, text, fault } of csvRecords(path)) {
    if (text.trim() === '') continue
    if (columns && fault !== undefined) yield { ...rowValues(columns, [], line), text, fault: encodingFault(fault) }
    else if (columns) yield rowOf(columns, text, line)
    else if (fault !== undefined) throw unreadableColumns(fault)
    else columns = columnsOf(fieldsOf(text))
  }
  if (!columns) throw new GuestpassError('invalid_input', `${path} is empty: it has no line that names the columns.`)
}

function unreadableColumns(message: string): GuestpassError {
  const fields = [encodingFault(message)]
  return new GuestpassError('invalid_input', `The first line must name the columns: it ${message}.`, { fields })
}

const fieldsOf = (text: string): readonly string[] => parse(text)[0] ?? []

function columnsOf(names: readonly string[]): readonly string[] {
  const known = names.map((name) => name.trim())
  const fields = known.flatMap((name, at): Field[] => {
    // By its place: a name would be shown as the flag of that name.
    const field = `column ${at + 1}`
    if (isNoteColumn(name) || name.startsWith(ATTRIBUTE) || COLUMNS.includes(name)) {
      return known.indexOf(name) === at ? [] : [{ field, message: `${name} occurs twice`, remedy: 'Keep one column.' }]
    }
    const close = closestName(name, COLUMNS)
    const own = name === 'api' ? 'Leave it out: --api names the API of all rows. ' : ''
    const remedy = `${own}${close ? `Did you mean ${close}? ` : ''}Known are ${COLUMNS.join(', ')}, ${ATTRIBUTE}NAME, and notes that begin with _.`
    return [{ field, message: `${name === '' ? 'it' : name} is not a column of an import`, remedy }]
  })
  if (fields.length === 0) return known
  const what = fields.map(({ field, message }) => `${field}: ${message}`).join('; ')
  throw new GuestpassError('invalid_input', `The first line must name the columns: ${what}.`, { fields })
}

function rowOf(columns: readonly string[], text: string, line: number): Row {
  const unread = (message: string, remedy: string): Row => ({
    ...rowValues(columns, [], line),
    text,
    fault: { field: 'row', message, remedy },
  })
  try {
    if (text.length > LONGEST_ROW) throw new CsvError('CSV_MAX_RECORD_SIZE', '')
    const fields = fieldsOf(text)
    if (fields.length === columns.length) return rowValues(columns, fields, line)
    // Which field belongs to which column is not known: a comma may lack its quotes.
    const message = `has ${counted(fields.length, 'field')}, the first line names ${columns.length}`
    return unread(message, 'Give every column a field; quote fields with commas.')
  } catch (thrown) {
    const message = faults[(thrown as { code?: string }).code ?? ''] ?? 'the row cannot be read'
    return unread(message, 'Double the quotes within a quoted field, and close it.')
  }
}

const rowValues = (columns: readonly string[], fields: readonly string[], line: number): Row => ({
  line,
  values: Object.fromEntries(columns.map((name, at) => [name, fields[at] ?? ''])),
})
