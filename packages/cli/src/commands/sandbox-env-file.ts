import { createHash } from 'node:crypto'
import { resolve } from 'node:path'
import { GuestpassError } from '@guestpass/core'
import { fileReadFault, pathFault, readTextFile } from '@guestpass/runtime'
import { writeTexts } from '../output-text.ts'
import type { Cli } from './runner/command.ts'

const REMEDY = 'Move it away, or name another file.'

/** The last line of a file that was written here: with the digest of the lines above. */
const lastLine = (lines: string): string => {
  const digest = createHash('sha256').update(lines).digest('hex').slice(0, 12)
  return `# Written by guestpass sandbox --env, which replaces this file as long as it is unchanged (${digest}).\n`
}

function refusal(message: string, remedy: string): GuestpassError {
  return new GuestpassError('invalid_input', `--env: ${message}.`, { fields: [{ field: '--env', message, remedy }] })
}

/** A sandbox of a process. */
export interface SandboxProcess {
  readonly url: string
  readonly pid: number
}

/** The first line of the file. */
export const envHeading = ({ url, pid }: SandboxProcess): string => `# A local Genesys Cloud at ${url}, process ${pid}`

function headingIn(text: string): SandboxProcess | undefined {
  const [, url, pid] = /^# A local Genesys Cloud at (\S+), process (\d+)$/m.exec(text) ?? []
  return url === undefined ? undefined : { url, pid: Number(pid) }
}

/** A file that may be written. */
interface EnvFile {
  /** The absolute path. */
  readonly path: string
  /** The sandbox that wrote the present file. Absent if there is none. */
  readonly writtenBy?: SandboxProcess | undefined
}

/**
 * Checks that a file may be written: it does not exist, is empty, or was written here and not changed since.
 * Rejects with `invalid_input` otherwise.
 */
export async function checkedEnvFile(name: string, cwd: string): Promise<EnvFile> {
  const fault = pathFault(name, './.env')
  if (fault) throw refusal(fault.message, fault.remedy)
  const path = resolve(cwd, name)
  const found = await readTextFile(path).catch((thrown: unknown) => {
    if ((thrown as NodeJS.ErrnoException).code === 'ENOENT') return ''
    const { message, remedy } = fileReadFault(thrown)
    throw refusal(`names ${path}, which ${message}`, remedy)
  })
  const end = found.lastIndexOf('\n', found.length - 2) + 1
  if (found === '' || found.slice(end) === lastLine(found.slice(0, end))) return { path, writtenBy: headingIn(found) }
  throw refusal(`names ${path}, which this command did not write, or which was changed since`, REMEDY)
}

/** Writes the file in one step. Only its owner can read a new one. Rejects with `invalid_input`, `output_failed`. */
export async function writeEnvFile(path: string, lines: readonly string[], cli: Cli): Promise<void> {
  const text = `${lines.join('\n')}\n`
  await writeTexts(path, [text, lastLine(text)], cli, 'env')
}
