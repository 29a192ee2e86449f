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

const UNITS = ['KiB', 'MiB', 'GiB', 'TiB'] as const

/** A size for people, as `3.4 MiB`. */
export function byteText(bytes: number): string {
  if (bytes < 1024) return `${bytes} bytes`
  const power = Math.min(Math.floor(Math.log2(bytes) / 10), UNITS.length)
  return `${(bytes / 1024 ** power).toFixed(1)} ${UNITS[power - 1]}`
}
