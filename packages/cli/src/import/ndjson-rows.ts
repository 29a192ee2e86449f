import type { Field } from '@guestpass/core'
import { parseStrictObject } from '@guestpass/core/runtime-kit'
import { fileLines } from '../input-text.ts'
import { encodingFault, LONGEST_ROW, type Row } from './row.ts'

/** Rows of a file with a JSON object on each line (ndjson); empty lines are passed over. */
export async function* ndjsonRows(path: string): AsyncGenerator<Row> {
  let line = 0
  for await (const { text, fault: unreadable } of fileLines(path)) {
    line += 1
    if (unreadable !== undefined) yield { line, values: {}, text, fault: encodingFault(unreadable) }
    else if (text.trim() !== '') yield rowOf(text, line)
  }
}

function rowOf(text: string, line: number): Row {
  const broken = (message: string): Row => ({ line, values: {}, text, fault: fault(message) })
  if (text.length > LONGEST_ROW) return broken(`the row is longer than ${LONGEST_ROW} bytes`)
  try {
    const value: unknown = JSON.parse(text)
    if (typeof value !== 'object' || value === null || Array.isArray(value)) return broken('is not a JSON object')
    const values = parseStrictObject(text)
    return values ? { line, values } : broken('holds a member twice, or is nested deeper than 64 levels')
  } catch {
    return broken('is not valid JSON')
  }
}

const fault = (message: string): Field => ({
  field: 'row',
  message,
  remedy: 'Write one JSON object on each line, as {"email": "…", "consent": true, "channelId": "…"}.',
})
