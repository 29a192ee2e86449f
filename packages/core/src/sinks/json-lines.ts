import { auditRecord } from '../domain/audit-record.ts'
import type { Sink } from './sink.ts'

/** Writes audit records as JSON lines. `write` gets whole lines and resolves when they are kept. */
export const jsonLines = (name: string, write: (lines: string) => Promise<void>): Sink => ({
  name,
  async deliver(due) {
    await write(due.map(({ event }) => `${JSON.stringify(auditRecord(event))}\n`).join(''))
    return due.map(({ event }) => ({ event: event.id, then: 'done' }))
  },
})
