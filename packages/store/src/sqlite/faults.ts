import { type ErrorCode, GuestpassError } from '@guestpass/core'

const RESTORE = 'Restore it from a backup, or move it away and start with an empty store. It was not changed'
const AGAIN = 'Try again; if it stays so, find out which other process holds the file'

/** What a result code of SQLite means to the caller. https://sqlite.org/rescode.html */
const meanings: Readonly<Record<number, readonly [ErrorCode, what: string, remedy: string]>> = {
  3: ['store_unavailable', 'may not be used', 'Give the file and its folder to the user of this process'],
  5: ['store_busy', 'is locked by another process', AGAIN],
  6: ['store_busy', 'is locked', AGAIN],
  8: ['store_unavailable', 'cannot be written', 'Give the file and its folder to the user of this process'],
  10: ['store_unavailable', 'could not be read or written', 'Look at the disk and its system messages'],
  11: ['store_corrupt', 'is damaged', RESTORE],
  13: ['store_unavailable', 'has no room to grow', 'Make room on the disk'],
  14: [
    'store_unavailable',
    'cannot be opened',
    'Look whether the folder exists and belongs to the user of this process',
  ],
  26: ['store_corrupt', 'is not a Guestpass store', RESTORE],
}

const otherwise = ['store_unavailable', 'gave an error', 'Look at the cause'] as const

/** SQLite's primary result code; 0 when something else was thrown. */
export function resultCode(thrown: unknown): number {
  const { errcode } = (thrown ?? {}) as { readonly errcode?: unknown }
  return typeof errcode === 'number' ? errcode & 0xff : 0
}

export const isBusy = (thrown: unknown): boolean => resultCode(thrown) === 5 || resultCode(thrown) === 6

/** What is wrong with the store says which store; what is wrong with a request passes. */
function named(error: GuestpassError, path: string): GuestpassError {
  if (!error.code.startsWith('store_') || error.message.includes(path)) return error
  return new GuestpassError(error.code, `In ${path}: ${error.message}`, { cause: error })
}

/** Whatever the database threw, in our words. */
export function storeFault(thrown: unknown, path: string): GuestpassError {
  if (thrown instanceof GuestpassError) return named(thrown, path)
  const [code, what, remedy] = meanings[resultCode(thrown)] ?? otherwise
  const detail = thrown instanceof Error ? thrown.message : String(thrown)
  return new GuestpassError(code, `The store ${path} ${what} (${detail}). ${remedy}.`, { cause: thrown })
}

export const notAStore = (path: string, why: string): GuestpassError =>
  new GuestpassError('store_corrupt', `The store ${path} ${why}. ${RESTORE}.`)

export const newerStore = (path: string, unknown: readonly string[]): GuestpassError =>
  new GuestpassError(
    'store_newer',
    `The store ${path} was written by a newer version of Guestpass (it has ${unknown.join(', ')}). Install that version, or use another file. It was not changed.`,
  )
