import { rename, stat } from 'node:fs/promises'
import { dirname } from 'node:path'
import { GuestpassError, type Random } from '@guestpass/core'
import { DISK_FULL } from '@guestpass/core/store-kit'
import type { KeyRing } from '../seal/key-ring.ts'
import { checkCopy, checkSchema, copyDatabase, openRaw, removeDatabase } from './database-copy.ts'
import { isFullDisk, toStoreError } from './errors.ts'
import { exists, syncFile, syncFolder } from './files.ts'

/** What `backupStore` copies, and where to. */
export interface BackupOptions {
  /** The path of the database. */
  readonly path: string
  /** The path of the backup. It must not exist. */
  readonly to: string
  /** The key ring of the store. The backup is checked with it, and does not contain its key. */
  readonly keyRing: KeyRing
  /** The source of a name for the unfinished copy. */
  readonly random: Random
}

/**
 * Copies the database of a store into one new file (mode 0600), while other processes read and write. The copy
 * is consistent, and is checked: all pages, the schema, and that the key ring opens its keys. Nothing is
 * migrated. The file has its name when it is complete.
 *
 * @returns `bytes`: the size of the backup
 * @throws `store_unavailable` if there is no database, or a file cannot be read or written; `invalid_input` if
 *   `to` exists; `store_corrupt`, `store_newer`, `store_wrong_key` as `sqliteStore`
 */
export async function backupStore({ path, to, keyRing, random }: BackupOptions): Promise<{ readonly bytes: number }> {
  if (!(await exists(path)))
    throw new GuestpassError('store_unavailable', `There is no store ${path}. Give the path of its database.`)
  await refuseExisting(to)
  const draft = `${to}.${random.uuid()}.part`
  try {
    const source = openRaw(path, false)
    try {
      await checkSchema(source, path)
      await copyDatabase(source, draft)
    } finally {
      source.close()
    }
    await checkCopy(draft, keyRing, random)
    await syncFile(draft)
    await refuseExisting(to)
    await rename(draft, to)
    await syncFolder(dirname(to))
    return { bytes: (await stat(to)).size }
  } catch (thrown) {
    throw fileError(thrown, { at: draft, shown: to, path })
  } finally {
    await removeDatabase(draft)
  }
}

async function refuseExisting(to: string): Promise<void> {
  if (!(await exists(to))) return
  const [message, remedy] = [`${to} exists`, 'Give the path of a new file.']
  throw new GuestpassError('invalid_input', `file: ${message}. ${remedy}`, {
    fields: [{ field: 'file', message, remedy }],
  })
}

/** The files of a copy, as its errors name them. */
interface CopiedFiles {
  /** The unfinished copy. */
  readonly at: string
  /** What is named in its place. */
  readonly shown: string
  /** The database that is read. */
  readonly path: string
  /** The file that is written. Default: `shown`. */
  readonly written?: string
}

/** Maps an error to one that names the file that the caller gave, not the unfinished copy. */
export function fileError(thrown: unknown, { at, shown, path, written = shown }: CopiedFiles): GuestpassError {
  // Only the copy is written.
  if (isFullDisk(thrown))
    return new GuestpassError(
      'store_unavailable',
      `The disk of ${written} is full. Free space on it${written === path ? '' : ', or give a path on another disk'}.`,
      { reason: DISK_FULL, cause: thrown },
    )
  const { code: system } = (thrown ?? {}) as NodeJS.ErrnoException
  const isSystem = !(thrown instanceof GuestpassError) && /^E[A-Z]+$/.test(system ?? '')
  const error = isSystem
    ? new GuestpassError(
        'store_unavailable',
        `The file ${written} cannot be written (${system}). Give a path in a folder that this user can write.`,
        { cause: thrown },
      )
    : toStoreError(thrown, path)
  const { code, message, reason, fields } = error
  return new GuestpassError(code, message.replaceAll(at, shown), {
    cause: thrown,
    ...(reason === undefined ? {} : { reason }),
    ...(fields === undefined ? {} : { fields }),
  })
}
