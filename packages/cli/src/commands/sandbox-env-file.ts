import { createHash } from 'node:crypto'
import { GuestpassError } from '@guestpass/core'
import { fileReadFault, readTextFile } from '@guestpass/runtime'
import { writeTexts } from '../output-text.ts'
import type { Cli } from './runner/command.ts'

const REMEDY = 'Move it away, or name another file.'

/** The last line of a file that was written here: with the digest of the lines above. */
const lastLine = (lines: string): string => {
  const digest = createHash('sha256').update(lines).digest('hex').slice(0, 12)
  return `# Written by guestpass sandbox --env, which replaces this file as long as it is unchanged (${digest}).\n`
}

function refusal(path: string, why: string, remedy = REMEDY): GuestpassError {
  const message = `names ${path}, which ${why}`
  return new GuestpassError('invalid_input', `--env: ${message}.`, { fields: [{ field: '--env', message, remedy }] })
}

/**
 * Checks that a file may be written: it does not exist, is empty, or was written here and not changed since.
 * Rejects with `invalid_input` otherwise.
 */
export async function checkEnvFile(path: string): Promise<void> {
  const found = await readTextFile(path).catch((thrown: unknown) => {
    if ((thrown as NodeJS.ErrnoException).code === 'ENOENT') return ''
    const { message, remedy } = fileReadFault(thrown)
    throw refusal(path, message, remedy)
  })
  const end = found.lastIndexOf('\n', found.length - 2) + 1
  if (found === '' || found.slice(end) === lastLine(found.slice(0, end))) return
  throw refusal(path, 'this command did not write, or which was changed since')
}

/** Writes the file in one step. Only its owner can read a new one. Rejects with `invalid_input`, `output_failed`. */
export async function writeEnvFile(path: string, lines: readonly string[], cli: Cli): Promise<void> {
  const text = `${lines.join('\n')}\n`
  await writeTexts(path, [text, lastLine(text)], cli, 'env')
}
