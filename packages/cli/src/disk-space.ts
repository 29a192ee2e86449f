import { statfs } from 'node:fs/promises'
import { dirname } from 'node:path'

const MEBIBYTE = 1024 * 1024
/** Less free room than this is worth a warning: the log of the database alone may grow to 4 MiB. */
export const LOW_DISK_SPACE = 8 * MEBIBYTE

/** Free bytes on the disk of a file, for this user; undefined when the system does not tell. */
export async function freeBytes(path: string): Promise<number | undefined> {
  try {
    const { bavail, bsize } = await statfs(dirname(path))
    return bavail * bsize
  } catch {
    return undefined
  }
}

/** A size for people, as `3.4 MiB`. */
export const mebibytes = (bytes: number): string => `${(bytes / MEBIBYTE).toFixed(1)} MiB`
