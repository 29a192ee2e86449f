import { textField } from '../request-options.ts'
import { importColumns } from './import-options.ts'
import { isNoteColumn, type Row } from './row.ts'

/** What holds for rows that do not say otherwise: the API, and fields of its requests. */
export type RowDefaults = Readonly<Record<string, unknown>> & { readonly api: string }

/** A field of a CSV file as a request has it. */
function fieldIn(name: string, text: string): unknown {
  const column = importColumns.find((one) => one.name === name)
  return column ? textField(column.field, text) : text
}

/** The request that a row of CSV makes. Empty fields count as absent. */
function requestOfCsvRow(values: Row['values']): Record<string, unknown> {
  const given = Object.entries(values).flatMap(([name, value]): (readonly [string, string])[] =>
    typeof value !== 'string' || value === '' || isNoteColumn(name) ? [] : [[name, value]],
  )
  const isAttribute = ([name]: readonly [string, string]): boolean => /^attributes\..+$/.test(name)
  // From entries, so that a column named __proto__ is refused like any other that is not known.
  const request = Object.fromEntries(
    given.filter((one) => !isAttribute(one)).map(([name, value]) => [name, fieldIn(name, value)]),
  )
  const attributes = Object.fromEntries(
    given.filter(isAttribute).map(([name, value]) => [name.slice('attributes.'.length), value]),
  )
  return Object.keys(attributes).length === 0 ? request : { ...request, attributes }
}

/** The request that a row makes: checked by the library when it is issued. */
export function rowRequest({ values }: Row, format: 'csv' | 'ndjson', defaults: RowDefaults): Record<string, unknown> {
  const own =
    format === 'csv'
      ? requestOfCsvRow(values)
      : Object.fromEntries(Object.entries(values).filter(([name]) => !isNoteColumn(name)))
  return { ...defaults, ...own, api: defaults.api }
}
