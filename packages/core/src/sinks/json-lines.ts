import { auditRecord } from '../domain/audit-record.ts'
import { callable, checkOptions, required, nonEmptyText } from '../domain/options.ts'
import type { Sink } from './sink.ts'

const WRITE = 'Give a function that takes lines and resolves when they are stored.'

/**
 * Makes a sink that writes audit records as JSON lines, for Splunk, Datadog, CloudWatch or a file.
 *
 * @param name the name of the queue, which the route of the store must name; not empty
 * @param write writes whole lines, each with its line end, and resolves when they are stored. Where it
 *   rejects, the same lines are written again later.
 *
 * Throws `config_invalid` for wrong options.
 *
 * @example
 * ```ts
 * import { appendFile } from 'node:fs/promises'
 * import { jsonLines } from '@guestpass/core/runtime-kit'
 *
 * const sink = jsonLines('audit-file', (lines) => appendFile('audit.ndjson', lines))
 * console.log(sink.name)
 * ```
 */
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
