import { createReadStream } from 'node:fs'
import type { Field } from '@guestpass/core'
import { decodedText, NotText } from '@guestpass/core/node'

/** The most bytes of what is read as a whole. A device or a pipe may have no end. */
const MOST_BYTES = 2 ** 20

/** There is more to read than anything that is read as a whole may have. */
class TooLarge extends Error {
  override readonly name = 'TooLarge'
  override readonly message = 'holds more than 1 MiB'
  readonly remedy = 'Check that it is what was meant.'
}

/** All bytes of a stream. Rejects with `TooLarge` as soon as there are more than 1 MiB, or with what the system says. */
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

/** The text of a file of at most 1 MiB, whatever writes its byte order mark. Rejects with what the system says, `TooLarge` or `NotText`. */
export const readTextFile = async (path: string): Promise<string> =>
  decodedText(await readAllBytes(createReadStream(path)))

/** What was read is not what is taken. */
export const isContentFault = (thrown: unknown): thrown is Error & { readonly remedy: string } =>
  thrown instanceof NotText || thrown instanceof TooLarge

/** Why a file cannot be read, and what to do. */
export function readFault(thrown: unknown): Omit<Field, 'field'> {
  if (isContentFault(thrown)) return { message: thrown.message, remedy: thrown.remedy }
  const { code = 'unknown error' } = thrown as NodeJS.ErrnoException
  if (code === 'ENOENT') return { message: 'cannot be read (ENOENT): there is no such file', remedy: 'Check the path.' }
  if (code === 'EISDIR') return { message: 'cannot be read (EISDIR): it is a folder', remedy: 'Name a file.' }
  return { message: `cannot be read (${code})`, remedy: 'Name a file that this user may read.' }
}
