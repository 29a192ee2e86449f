import { closeSync, fsyncSync, openSync } from 'node:fs'
import { open, stat } from 'node:fs/promises'

export const exists = (path: string): Promise<boolean> =>
  stat(path).then(
    () => true,
    () => false,
  )

/** Writes a closed file to the disk. */
export async function syncFile(path: string): Promise<void> {
  const file = await open(path, 'r+')
  try {
    await file.sync()
  } finally {
    await file.close()
  }
}

/**
 * Writes the entries of a folder to the disk, so that the name of a new file is durable. Some systems cannot,
 * and need not. Never rejects for them.
 */
export async function syncFolder(path: string): Promise<void> {
  const folder = await open(path, 'r').catch(() => undefined)
  if (!folder) return
  try {
    await folder.sync()
  } catch {
    // The file system writes them with the file.
  } finally {
    await folder.close()
  }
}

/** The same without a wait in between. */
export function syncFolderNow(path: string): void {
  let folder: number | undefined
  try {
    folder = openSync(path, 'r')
    fsyncSync(folder)
  } catch {
    // As above.
  } finally {
    if (folder !== undefined) closeSync(folder)
  }
}
