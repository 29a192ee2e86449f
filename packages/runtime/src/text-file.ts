import { createReadStream } from 'node:fs'
import type { Field } from '@guestpass/core'
import { decodedText, NotText } from '@guestpass/core/node'

/** The largest input that is read as a whole, in bytes. A device or a pipe may have no end. */
const MOST_BYTES = 2 ** 20

/** The input is larger than 1 MiB. */
class TooLarge extends Error {
  override readonly name = 'TooLarge'
  override readonly message = 'holds more than 1 MiB'
  readonly remedy = 'Check that it is the right file.'
}

/**
 * Reads a stream to its end, at most 1 MiB. Rejects with an error for which `isContentFault` is true if there is
 * more, or with the error of the stream. `fileReadFault` words both.
 */
export async function readAllBytes(stream: AsyncIterable<Uint8Array>): Promise<Uint8Array> {
  const chunks: Uint8Array[] = []
  let length = 0
  for await (const chunk of stream) {
    length += chunk.length
    if (length > MOST_BYTES) throw new TooLarge()
    chunks.push(chunk)
  }
  return Buffer.concat(chunks)
}

/**
 * Reads a text file of at most 1 MiB in UTF-8, without its byte order mark. Rejects with an error for which
 * `isContentFault` is true if it is larger or not text, or with the system's error. `fileReadFault` words both.
 */
export const readTextFile = async (path: string): Promise<string> =>
  decodedText(await readAllBytes(createReadStream(path)))

/** Whether an error says that a file was read and its content cannot be used: too large, or not text. */
export const isContentFault = (thrown: unknown): thrown is Error & { readonly remedy: string } =>
  thrown instanceof NotText || thrown instanceof TooLarge

/** Gives message and remedy for an error of `readTextFile` or `readAllBytes`. The caller adds the field. */
export function fileReadFault(thrown: unknown): Omit<Field, 'field'> {
  if (isContentFault(thrown)) return { message: thrown.message, remedy: thrown.remedy }
  const { code = 'unknown error' } = thrown as NodeJS.ErrnoException
  if (code === 'ENOENT') return { message: 'cannot be read (ENOENT): there is no such file', remedy: 'Check the path.' }
  if (code === 'EISDIR') return { message: 'cannot be read (EISDIR): it is a folder', remedy: 'Name a file.' }
  return { message: `cannot be read (${code})`, remedy: 'Name a file that this user may read.' }
}
