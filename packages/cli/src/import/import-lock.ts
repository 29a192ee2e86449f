import { access, constants } from 'node:fs/promises'
import { dirname } from 'node:path'
import { GuestpassError } from '@guestpass/core'
import { type FileLock, fileLock } from '@guestpass/store/sqlite'
import { fileError } from './append-file.ts'

/**
 * Takes the lock of the import of a file, named without links: journal and failures are one import's at a
 * time, and rows of two would be issued twice. A killed import leaves no lock. Rejects with `import_running`
 * while another has it.
 */
export async function importLock(path: string): Promise<FileLock> {
  const file = `${path}.import.lock`
  let lock: FileLock | undefined
  try {
    // It says why better than the lock would.
    await access(dirname(file), constants.W_OK)
    lock = fileLock(file)
  } catch (thrown) {
    throw fileError(file, thrown)
  }
  if (lock) return lock
  throw new GuestpassError(
    'import_running',
    `${path} is being imported by another process. Nothing was done. Wait for that import to end, then run this one again: rows that were done are passed over.`,
  )
}
