import { createReadStream } from 'node:fs'
import { readFile } from 'node:fs/promises'
import { type Field, GuestpassError } from '@guestpass/core'
import { decodedText, NotText, type TextLine, textLines } from '@guestpass/core/node'

/** The text of a file, whatever writes its byte order mark. Rejects with what the system says, or `NotText`. */
export const textFile = async (path: string): Promise<string> => decodedText(await readFile(path))

/** The lines of a text file; one that cannot be read comes with its fault. Rejects with what the system says, or `NotText`. */
export const linesOf = (path: string): AsyncGenerator<TextLine> => textLines(createReadStream(path))

/** Why a file cannot be read, and what to do. */
export function readFault(thrown: unknown): Omit<Field, 'field'> {
  if (thrown instanceof NotText) return { message: thrown.message, remedy: thrown.remedy }
  const { code = 'unknown error' } = thrown as NodeJS.ErrnoException
  if (code === 'ENOENT') return { message: 'cannot be read (ENOENT): there is no such file', remedy: 'Check the path.' }
  if (code === 'EISDIR') return { message: 'cannot be read (EISDIR): it is a folder', remedy: 'Name a file.' }
  return { message: `cannot be read (${code})`, remedy: 'Name a file that this user may read.' }
}

/** The text of standard input. Rejects with `invalid_input` when it is none. */
export function inputText(bytes: Uint8Array): string {
  try {
    return decodedText(bytes)
  } catch (thrown) {
    throw inputError(thrown)
  }
}

/** A failure to read standard input, as `invalid_input`. */
export function inputError(thrown: unknown): unknown {
  const { code } = (thrown ?? {}) as NodeJS.ErrnoException
  if (!(thrown instanceof NotText) && code === undefined) return thrown
  const { message, remedy } = readFault(thrown)
  return new GuestpassError('invalid_input', `Standard input ${message}.`, {
    fields: [{ field: '-', message, remedy }],
    cause: thrown,
  })
}
