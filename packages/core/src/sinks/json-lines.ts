import { auditRecord } from '../domain/audit-record.ts'
import { callable, checkOptions, required, nonEmptyText } from '../domain/options.ts'
import type { Sink } from './sink.ts'

const WRITE = 'Give a function that takes lines and resolves when they are kept.'

/** Writes audit records as JSON lines. `write` gets whole lines and resolves when they are kept. Throws `config_invalid` for wrong options. */
export function jsonLines(name: string, write: (lines: string) => Promise<void>): Sink {
  checkOptions('jsonLines', ['name', name, required(nonEmptyText)], ['write', write, required(callable(WRITE))])
  return {
    name,
    async deliver(due) {
      await write(due.map(({ event }) => `${JSON.stringify(auditRecord(event))}\n`).join(''))
      return due.map(({ event }) => ({ event: event.id, then: 'done' }))
    },
  }
}
