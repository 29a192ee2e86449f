import { closeSync, fstatSync, openSync, readSync, writeSync } from 'node:fs'
import { GuestpassError } from '@guestpass/core'

/**
 * A file beside the one that is imported, written at once, text by text; its owner's alone. Throws as
 * `fileError` says.
 */
export interface AppendFile {
  readonly isNew: boolean
  write(text: string): void
  close(): void
}

const NEWLINE = 0x0a

/**
 * Opens the file or makes it; a last line that was cut off is ended, because what is written next would be
 * lost with it.
 */
export function openAppendFile(path: string): AppendFile {
  const file = withFileErrors(path, () => openSync(path, 'a+', 0o600))
  const write = (text: string): void => withFileErrors(path, () => writeAll(file, text))
  const { size } = fstatSync(file)
  const last = new Uint8Array(1)
  if (size > 0 && readSync(file, last, 0, 1, size - 1) === 1 && last[0] !== NEWLINE) write('\n')
  return { isNew: size === 0, write, close: () => closeSync(file) }
}

/** Writes all of it: a disk that fills up may take a part. */
function writeAll(file: number, text: string): void {
  for (let rest: Uint8Array = Buffer.from(text); rest.length > 0; ) rest = rest.subarray(writeSync(file, rest))
}

/** Does something with a file beside the one that is imported. */
export function withFileErrors<T>(path: string, work: () => T): T {
  try {
    return work()
  } catch (thrown) {
    throw fileError(path, thrown)
  }
}

/** The disk's own faults are `output_failed`, all others `invalid_input`. */
export function fileError(path: string, thrown: unknown): GuestpassError {
  const { code = 'unknown' } = thrown as NodeJS.ErrnoException
  const isDisk = ['ENOSPC', 'EDQUOT', 'EFBIG', 'EIO'].includes(code)
  const message = `${path} cannot be ${isDisk ? 'written' : 'used'} (${code}${code === 'ENOSPC' ? ': the disk is full' : ''})`
  const remedy = isDisk
    ? 'Make room and import the file again: rows that were done are not done again.'
    : 'Let this user write beside the file; rows that were done are not done again.'
  return new GuestpassError(isDisk ? 'output_failed' : 'invalid_input', `${message}. ${isDisk ? remedy : ''}`.trim(), {
    fields: [{ field: 'file', message, remedy }],
    cause: thrown,
  })
}
