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

const listOf = (text: string): readonly string[] => text.split(/[\s,]+/).filter((part) => part !== '')

/** A field of a CSV file as a request has it; anything unexpected stays for the library to refuse. */
function fieldOf(name: string, text: string): unknown {
  if (name === 'scopes') return listOf(text)
  if (name === 'consent') return text.toLowerCase() === 'true' ? true : text
  return text
}

/** The request that a row of CSV makes. Empty fields count as absent. */
function textual(values: Row['values']): Record<string, unknown> {
  const request: Record<string, unknown> = {}
  const attributes: Record<string, unknown> = {}
  for (const [name, value] of Object.entries(values)) {
    if (typeof value !== 'string' || value === '' || isNote(name)) continue
    const [, attribute] = /^attributes\.(.+)$/.exec(name) ?? []
    if (attribute === undefined) request[name] = fieldOf(name, value)
    else attributes[attribute] = value
  }
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
