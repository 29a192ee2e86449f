import { createWriteStream, type WriteStream } from 'node:fs'
import { once } from 'node:events'
import { rm } from 'node:fs/promises'
import type { GuestpassError } from '@guestpass/core'
import { stringify } from 'csv-stringify/sync'
import type { Row } from './row.ts'

/** Rows that failed, in a file of the same form with notes on why, so that it can be mended and imported. */
export interface Failures {
  /** Absent while none failed. */
  readonly path: string | undefined
  add(row: Row, error: GuestpassError): Promise<void>
  close(): Promise<void>
}

/** The file's rows are its owner's data: only they may read it. One of an earlier import is taken away. */
export async function failures(file: string, format: 'csv' | 'ndjson'): Promise<Failures> {
  const path = `${file}.failures.${format}`
  await rm(path, { force: true })
  let stream: WriteStream | undefined
  let header = ''

  const write = async (text: string): Promise<void> => {
    stream ??= createWriteStream(path, { mode: 0o600 })
    if (!stream.write(text)) await once(stream, 'drain')
  }
  const csv = (values: Readonly<Record<string, unknown>>): string => {
    const columns = Object.keys(values)
    const names = stringify([columns])
    const first = header === ''
    if (first) header = names
    return (first ? names : '') + stringify([columns.map((name) => String(values[name]))])
  }

  return {
    get path() {
      return stream && path
    },
    async add({ line, values, text = '' }, { code, message, fields = [] }) {
      const notes = {
        _line: line,
        _row: text,
        _code: code,
        _fault: fields.length > 0 ? fields.map((one) => `${one.field}: ${one.message}`).join('; ') : message,
        _remedy: fields.map(({ remedy }) => remedy).join(' '),
      }
      const own = Object.fromEntries(Object.entries(values).filter(([name]) => !(name in notes)))
      const noted = { ...own, ...notes }
      await write(format === 'csv' ? csv(noted) : `${JSON.stringify(noted)}\n`)
    },
    async close() {
      if (!stream) return
      stream.end()
      await once(stream, 'close')
    },
  }
}
