import { type ErrorCode, GuestpassError } from '@guestpass/core'
import { DISK_FAILING, DISK_FULL } from '@guestpass/core/store-kit'
import { isNoSpaceError } from '../full-disk.ts'
import { namingPlace, textOf } from '../sql/store-errors.ts'

const RESTORE = 'Restore it from a backup, or move it away and start with an empty store. It was not changed'
const AGAIN = 'Retry. If that fails too, find the process that locks the file'
/** Result codes of SQLite: SQLITE_FULL, SQLITE_IOERR, SQLITE_CANTOPEN. */
const FULL = 13
const FAILING = 10
const CANNOT_OPEN = 14

/** The error code, message and remedy for a result code of SQLite (https://sqlite.org/rescode.html). */
const meanings: Readonly<Record<number, readonly [ErrorCode, what: string, remedy: string]>> = {
  3: ['store_unavailable', 'cannot be accessed', 'Give the file and its folder to the user of this process'],
  5: ['store_busy', 'is locked by another process', AGAIN],
  6: ['store_busy', 'is locked', AGAIN],
  8: ['store_unavailable', 'cannot be written', 'Give the file and its folder to the user of this process'],
  [FAILING]: ['store_unavailable', 'could not be read or written', 'Check the disk and the system log'],
  11: ['store_corrupt', 'is damaged', RESTORE],
  [CANNOT_OPEN]: [
    'store_unavailable',
    'cannot be opened',
    'Check that the folder exists and belongs to the user of this process',
  ],
  26: ['store_corrupt', 'is not a Guestpass store', RESTORE],
}

const otherResult = ['store_unavailable', 'failed', 'See the cause'] as const

/** The primary result code of an SQLite error; 0 for other errors. */
function resultCode(thrown: unknown): number {
  const { errcode } = (thrown ?? {}) as { readonly errcode?: unknown }
  return typeof errcode === 'number' ? errcode & 0xff : 0
}

/** Whether an error, or one of its causes, reports a full disk or a used-up quota. */
export function isFullDisk(thrown: unknown): boolean {
  const { reason, cause } = (thrown ?? {}) as { readonly reason?: unknown; readonly cause?: unknown }
  if (resultCode(thrown) === FULL || isNoSpaceError(thrown) || reason === DISK_FULL) return true
  return cause !== undefined && isFullDisk(cause)
}

/**
 * Whether an error may be due to a full disk. SQLite reports SQLITE_FULL only for writes to the database or
 * its log, and never for a used-up quota. In other cases a test write decides.
 */
export const mayBeFullDisk = (thrown: unknown): boolean => [FAILING, CANNOT_OPEN].includes(resultCode(thrown))

/** The error of a full disk. Its `reason` makes it retryable, because space may be freed. */
export const diskFullError = (path: string, cause: unknown): GuestpassError =>
  new GuestpassError('store_unavailable', `The disk is full: the store ${path} cannot grow. Free space on the disk.`, {
    reason: DISK_FULL,
    ...(cause === undefined ? {} : { cause }),
  })

export const isBusy = (thrown: unknown): boolean => resultCode(thrown) === 5 || resultCode(thrown) === 6

/** Maps an error of the database to a `GuestpassError`. */
export function toStoreError(thrown: unknown, path: string): GuestpassError {
  if (thrown instanceof GuestpassError) return namingPlace(thrown, path)
  if (isFullDisk(thrown)) return diskFullError(path, thrown)
  const [code, what, remedy] = meanings[resultCode(thrown)] ?? otherResult
  const reason = resultCode(thrown) === FAILING ? { reason: DISK_FAILING } : {}
  return new GuestpassError(code, `The store ${path} ${what} (${textOf(thrown)}). ${remedy}.`, {
    cause: thrown,
    ...reason,
  })
}

/** `why`: what follows the path, such as "is an empty database". Its cause says the same without the path. */
export const corruptStoreError = (path: string, why: string): GuestpassError =>
  new GuestpassError('store_corrupt', `The store ${path} ${why}. ${RESTORE}.`, { cause: new Error(`it ${why}`) })

export const newerStoreError = (path: string, unknown: readonly string[]): GuestpassError =>
  new GuestpassError(
    'store_newer',
    `The store ${path} was written by a newer version of Guestpass (it has ${unknown.join(', ')}). Install that version, or use another file. It was not changed.`,
  )
