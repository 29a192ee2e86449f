import { createReadStream } from 'node:fs'
import { GuestpassError } from '@guestpass/core'
import { decodedText, type TextLine, textLines } from '@guestpass/core/node'
import { isUnfit, readFault } from '@guestpass/runtime'

/** The lines of a text file; one that cannot be read comes with its fault. Rejects with what the system says, or `NotText`. */
export const linesOf = (path: string): AsyncGenerator<TextLine> => textLines(createReadStream(path))

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
  if (!isUnfit(thrown) && code === undefined) return thrown
  const { message, remedy } = readFault(thrown)
  return new GuestpassError('invalid_input', `Standard input ${message}.`, {
    fields: [{ field: '-', message, remedy }],
    cause: thrown,
  })
}
