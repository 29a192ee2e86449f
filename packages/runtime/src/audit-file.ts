import { resolve } from 'node:path'
import { GuestpassError } from '@guestpass/core'
import { jsonLines, type Sink } from '@guestpass/core/runtime-kit'
import { appendLines } from './append-lines.ts'
import type { RuntimeHost } from './runtime-host.ts'
import { escapeForTerminal } from './escape-for-terminal.ts'

/** The name of the sink and queue of the configured audit file. */
export const AUDIT_FILE = 'audit-file'

/**
 * Creates the sink that appends audit records to a file. Records that cannot be written wait in the store,
 * with a warning.
 */
export const auditFileSink = (file: string, host: Pick<RuntimeHost, 'cwd' | 'warn'>): Sink =>
  jsonLines(AUDIT_FILE, (lines) => appendRecords(resolve(host.cwd, file), lines, host))

async function appendRecords(path: string, lines: string, host: Pick<RuntimeHost, 'warn'>): Promise<void> {
  try {
    await appendLines(path, lines.split('\n').map(escapeForTerminal).join('\n'))
  } catch (thrown) {
    const { code } = thrown as NodeJS.ErrnoException
    const message = `The audit file ${path} cannot be written (${code}). Its records wait in the store until it can, or until GUESTPASS_AUDIT_FILE names another file.`
    host.warn(message)
    throw new GuestpassError('output_failed', message, { cause: thrown })
  }
}
