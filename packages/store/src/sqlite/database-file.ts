import { chmod, open, stat } from 'node:fs/promises'
import { dirname } from 'node:path'
import { GuestpassError } from '@guestpass/core'
import { createPrivateFolder } from '../private-folder.ts'
import { erasureListPath } from './erasure-list.ts'
import { diskFullError, isFullDisk, corruptStoreError } from './errors.ts'

const HEADER = 'SQLite format 3\0'
const PRIVATE = 0o600

function unavailable(path: string, thrown: unknown): GuestpassError {
  if (isFullDisk(thrown)) return diskFullError(path, thrown)
  const { code } = (thrown ?? {}) as { readonly code?: unknown }
  return new GuestpassError(
    'store_unavailable',
    `The store ${path} cannot be opened (${String(code ?? thrown)}). Give a path to a file in a folder that belongs to the user of this process.`,
    { cause: thrown },
  )
}

/**
 * Creates the missing folder and file. Rejects a file that is not an SQLite database. Returns its size in
 * bytes.
 */
export async function prepareFile(path: string): Promise<number> {
  try {
    await createPrivateFolder(dirname(path))
    // Created here with its mode, so that other users cannot read it before a chmod.
    const file = await open(path, 'a+', PRIVATE)
    try {
      const found = await file.stat()
      // Checked before a read, because a pipe or a device may never end.
      if (!found.isFile()) throw unavailable(path, 'not a regular file')
      const { bytesRead, buffer } = await file.read(Buffer.alloc(HEADER.length), 0, HEADER.length, 0)
      const begins = buffer.subarray(0, bytesRead).toString('latin1')
      if (begins !== '' && begins !== HEADER) throw corruptStoreError(path, 'is not a database')
      return found.size
    } finally {
      await file.close()
    }
  } catch (thrown) {
    throw thrown instanceof GuestpassError ? thrown : unavailable(path, thrown)
  }
}

/** Sets mode 0600 on the files of a store. SQLite creates its other files with the mode of the database. */
export async function restrictFileModes(path: string): Promise<void> {
  for (const file of [path, `${path}-wal`, `${path}-shm`, `${path}-reserve`, erasureListPath(path)]) {
    const mode = await stat(file).then(
      (found) => found.mode & 0o777,
      () => PRIVATE,
    )
    // It fails for a user who does not own the file. Then the owner decides.
    if ((mode & 0o077) !== 0) await chmod(file, PRIVATE).catch(() => {})
  }
}
