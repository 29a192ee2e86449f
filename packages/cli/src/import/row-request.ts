import { scopesTyped } from '../scopes-typed.ts'
import { isNote, type Row } from './row.ts'

/** What holds for rows that do not say otherwise. */
export interface Defaults {
  readonly api: string
  readonly scopes?: readonly string[]
  readonly duration?: string
  readonly channelId?: string
  readonly assurance?: string
  readonly onDoubt?: 'create'
}

/** A field of a CSV file as a request has it; anything unexpected stays for the library to refuse. */
function fieldOf(name: string, text: string): unknown {
  if (name === 'scopes') return scopesTyped([text])
  if (name === 'consent') return text.toLowerCase() === 'true' ? true : text
  return text
}

/** The request that a row of CSV makes. Empty fields count as absent. */
function textual(values: Row['values']): Record<string, unknown> {
  const given = Object.entries(values).flatMap(([name, value]): (readonly [string, string])[] =>
    typeof value !== 'string' || value === '' || isNote(name) ? [] : [[name, value]],
  )
  const isAttribute = ([name]: readonly [string, string]): boolean => /^attributes\..+$/.test(name)
  // From entries, so that a column named __proto__ is refused like any other that is not known.
  const request = Object.fromEntries(
    given.filter((one) => !isAttribute(one)).map(([name, value]) => [name, fieldOf(name, value)]),
  )
  const attributes = Object.fromEntries(
    given.filter(isAttribute).map(([name, value]) => [name.slice('attributes.'.length), value]),
  )
  return Object.keys(attributes).length === 0 ? request : { ...request, attributes }
}

/** The request that a row makes: checked by the library when it is issued. */
export function rowRequest({ values }: Row, format: 'csv' | 'ndjson', defaults: Defaults): Record<string, unknown> {
  const own =
    format === 'csv' ? textual(values) : Object.fromEntries(Object.entries(values).filter(([name]) => !isNote(name)))
  const { api, ...rest } = defaults
  const given = Object.fromEntries(Object.entries(rest).filter(([, value]) => value !== undefined))
  return { ...given, ...own, api }
}
