import { open } from 'node:fs/promises'

const NEWLINE = 0x0a
const PRIVATE = 0o600

/**
 * Appends lines to a file, which is made for its owner alone where it is missing. A last line that a full disk or a kill cut off is ended
 * first, because the next one would be lost with it. Rejects with what the system says.
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
