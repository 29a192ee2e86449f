import { resolve } from 'node:path'
import { GuestpassError } from '@guestpass/core'
import { jsonLines, type Sink } from '@guestpass/core/runtime-kit'
import { appendLines } from './appended-lines.ts'
import type { RuntimeHost } from './host.ts'
import { visible } from './visible.ts'

/** The sink that appends audit records to the file of GUESTPASS_AUDIT_FILE. */
export const AUDIT_FILE = 'audit-file'

/** Appends audit records to a file. What could not be written waits in the store, and a warning says so. */
export const auditFileSink = (file: string, host: Pick<RuntimeHost, 'cwd' | 'warn'>): Sink =>
  jsonLines(AUDIT_FILE, (lines) => appended(resolve(host.cwd, file), lines, host))

async function appended(path: string, lines: string, host: Pick<RuntimeHost, 'warn'>): Promise<void> {
  try {
    await appendLines(path, lines.split('\n').map(visible).join('\n'))
  } catch (thrown) {
    const { code } = thrown as NodeJS.ErrnoException
    host.warn(`GUESTPASS_AUDIT_FILE ${path} cannot be written (${code}); its records wait in the store until it can`)
    const message = `The audit file ${path} cannot be written (${code}). Its records wait in the store until it can.`
    throw new GuestpassError('output_failed', message, { cause: thrown })
  }
}
