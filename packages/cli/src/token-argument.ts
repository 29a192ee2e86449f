import { stat } from 'node:fs/promises'
import { resolve } from 'node:path'
import { GuestpassError } from '@guestpass/core'
import { commandFor } from '@guestpass/runtime'
import type { Cli } from './commands/runner/command.ts'

/**
 * A token as it was given: itself, or `-` for standard input. Rejects with `invalid_input` for nothing, and
 * for the name of a file.
 */
export async function readTokenArgument(given: string, field: string, cli: Cli): Promise<string> {
  const text = given === '-' ? await cli.input() : given.trim()
  if (text === '') {
    const what = given === '-' ? 'was to come from standard input, which is empty' : 'is empty'
    throw argumentError(field, what, 'Give the token. A variable of the shell that is not set gives nothing.')
  }
  const inFull = commandFor(cli.connection, 'guest token GUEST_ID --raw')
  if (text.includes('…'))
    throw argumentError(field, 'is the masked form of a token', `Give the token in full: \`${inFull}\`.`)
  if (isUuid(text)) throw argumentError(field, 'is the id of a guest', `Give the token: \`${inFull}\`.`)
  if (given !== '-' && (await isFile(resolve(cli.hostProcess.cwd, text))))
    throw argumentError(
      field,
      'is the name of a file',
      `Read the token from there: give - in its place, and < ${text}.`,
    )
  return text
}

const isUuid = (text: string): boolean => /^[\da-f]{8}(?:-[\da-f]{4}){3}-[\da-f]{12}$/i.test(text)

/** A token itself is too long for the name of a file, or names none. */
const isFile = (path: string): Promise<boolean> =>
  stat(path).then(
    (found) => found.isFile(),
    () => false,
  )

const argumentError = (field: string, message: string, remedy: string): GuestpassError =>
  new GuestpassError('invalid_input', `${field} ${message}.`, { fields: [{ field, message, remedy }] })
