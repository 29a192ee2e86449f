import { createReadStream } from 'node:fs'

/**
 * The lines of a text file, without what ends them. Unlike those of `node:readline` they do not end at U+2028 and U+2029, which may
 * stand within a JSON text or a CSV field.
 */
export async function* linesOf(path: string): AsyncGenerator<string> {
  let rest = ''
  for await (const chunk of createReadStream(path, 'utf8')) {
    // A CR at the very end may be the first half of a CRLF.
    const lines = `${rest}${String(chunk)}`.split(/\r\n|\n|\r(?!$)/)
    rest = lines.pop() ?? ''
    yield* lines
  }
  if (rest !== '') yield rest.replace(/\r$/, '')
}
