import { open } from 'node:fs/promises'

const NEWLINE = 0x0a
const PRIVATE = 0o600

/**
 * Appends lines to a file, and makes the file if it is missing, readable for its owner only. If a full disk
 * or a kill cut the last line off, that line is ended first: the next one would be lost with it. Rejects with
 * the system's error.
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
