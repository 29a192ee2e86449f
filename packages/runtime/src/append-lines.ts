import { open } from 'node:fs/promises'

const NEWLINE = 0x0a
const PRIVATE = 0o600

/**
 * Appends lines to a file. Creates the file if it is missing (mode 0600). If the last line of the file has no
 * end, because a full disk or a kill cut it off, a line end is written first, so that the next line is whole.
 *
 * @param lines one or more lines, each with its line end
 *
 * Rejects with the system's error.
 */
export async function appendLines(path: string, lines: string): Promise<void> {
  const file = await open(path, 'a+', PRIVATE)
  try {
    const found = await file.stat()
    const { bytesRead, buffer } =
      found.isFile() && found.size > 0
        ? await file.read(Buffer.alloc(1), 0, 1, found.size - 1)
        : { bytesRead: 0, buffer: Buffer.alloc(1) }
    await file.appendFile(bytesRead === 1 && buffer[0] !== NEWLINE ? `\n${lines}` : lines)
  } finally {
    await file.close()
  }
}
