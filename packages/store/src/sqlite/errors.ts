import { type ErrorCode, GuestpassError } from '@guestpass/core'
import { DISK_FAILING, DISK_FULL } from '@guestpass/core/store-kit'
import { isNoSpaceError } from '../full-disk.ts'

const RESTORE = 'Restore it from a backup, or move it away and start with an empty store. It was not changed'
const AGAIN = 'Try again; if it stays so, find out which other process holds the file'
/** SQLite's codes for a disk without room, for one that fails, and for a file that cannot be opened. */
const FULL = 13
const FAILING = 10
const CANNOT_OPEN = 14

/** What a result code of SQLite means to the caller. https://sqlite.org/rescode.html */
const meanings: Readonly<Record<number, readonly [ErrorCode, what: string, remedy: string]>> = {
  3: ['store_unavailable', 'may not be used', 'Give the file and its folder to the user of this process'],
  5: ['store_busy', 'is locked by another process', AGAIN],
  6: ['store_busy', 'is locked', AGAIN],
  8: ['store_unavailable', 'cannot be written', 'Give the file and its folder to the user of this process'],
  [FAILING]: ['store_unavailable', 'could not be read or written', 'Look at the disk and its system messages'],
  11: ['store_corrupt', 'is damaged', RESTORE],
  [CANNOT_OPEN]: [
    'store_unavailable',
    'cannot be opened',
    'Look whether the folder exists and belongs to the user of this process',
  ],
  26: ['store_corrupt', 'is not a Guestpass store', RESTORE],
}

const otherResult = ['store_unavailable', 'gave an error', 'Look at the cause'] as const

/** SQLite's primary result code; 0 when something else was thrown. */
export function resultCode(thrown: unknown): number {
  const { errcode } = (thrown ?? {}) as { readonly errcode?: unknown }
  return typeof errcode === 'number' ? errcode & 0xff : 0
}

/** Whether the file system, or SQLite, found no room on the disk, or the user's share of it used up. */
export function isFullDisk(thrown: unknown): boolean {
  const { reason, cause } = (thrown ?? {}) as { readonly reason?: unknown; readonly cause?: unknown }
  if (resultCode(thrown) === FULL || isNoSpaceError(thrown) || reason === DISK_FULL) return true
  return cause !== undefined && isFullDisk(cause)
}

/**
 * Whether SQLite says no more than that it could not read, write or open: then a look at the disk tells whether it is full. SQLite
 * names a full disk only where it writes to the database or its log, and a used-up share nowhere.
 */
export const mayBeFullDisk = (thrown: unknown): boolean => [FAILING, CANNOT_OPEN].includes(resultCode(thrown))

/** The store cannot grow. Its `reason` makes the error retryable: there may be room later. */
export const diskFullError = (path: string, cause: unknown): GuestpassError =>
  new GuestpassError('store_unavailable', `The disk is full: the store ${path} cannot grow. Make room on it.`, {
    reason: DISK_FULL,
    ...(cause === undefined ? {} : { cause }),
  })

export const isBusy = (thrown: unknown): boolean => resultCode(thrown) === 5 || resultCode(thrown) === 6

/** What is wrong with the store says which store; what is wrong with a request passes. */
function namingPath(error: GuestpassError, path: string): GuestpassError {
  if (!error.code.startsWith('store_') || error.message.includes(path)) return error
  const { reason, message } = error
  return new GuestpassError(error.code, `In ${path}: ${message}`, { cause: error, ...(reason ? { reason } : {}) })
}

/** Whatever the database threw, in our words. */
export function toStoreError(thrown: unknown, path: string): GuestpassError {
  if (thrown instanceof GuestpassError) return namingPath(thrown, path)
  if (isFullDisk(thrown)) return diskFullError(path, thrown)
  const [code, what, remedy] = meanings[resultCode(thrown)] ?? otherResult
  const detail = thrown instanceof Error ? thrown.message : String(thrown)
  const reason = resultCode(thrown) === FAILING ? { reason: DISK_FAILING } : {}
  return new GuestpassError(code, `The store ${path} ${what} (${detail}). ${remedy}.`, { cause: thrown, ...reason })
}

export const corruptStoreError = (path: string, why: string): GuestpassError =>
  new GuestpassError('store_corrupt', `The store ${path} ${why}. ${RESTORE}.`)

export const newerStoreError = (path: string, unknown: readonly string[]): GuestpassError =>
  new GuestpassError(
    'store_newer',
    `The store ${path} was written by a newer version of Guestpass (it has ${unknown.join(', ')}). Install that version, or use another file. It was not changed.`,
  )
