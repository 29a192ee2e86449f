import { createReadStream } from 'node:fs'
import { GuestpassError } from '@guestpass/core'
import { decodedText, type TextLine, textLines } from '@guestpass/core/node'
import { isContentFault, fileReadFault } from '@guestpass/runtime'

/**
 * The lines of a text file; one that cannot be read comes with its fault. Rejects with what the system says,
 * or `NotText`.
 */
export const fileLines = (path: string): AsyncGenerator<TextLine> => textLines(createReadStream(path))

/** The text of standard input. Rejects with `invalid_input` when it is none. */
export function decodeStandardInput(bytes: Uint8Array): string {
  try {
    return decodedText(bytes)
  } catch (thrown) {
    throw standardInputError(thrown)
  }
}

/** A failure to read standard input, as `invalid_input`. */
export function standardInputError(thrown: unknown): unknown {
  const { code } = (thrown ?? {}) as NodeJS.ErrnoException
  if (!isContentFault(thrown) && code === undefined) return thrown
  const { message, remedy } = fileReadFault(thrown)
  return new GuestpassError('invalid_input', `Standard input ${message}.`, {
    fields: [{ field: '-', message, remedy }],
    cause: thrown,
  })
}
