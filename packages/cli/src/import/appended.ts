import { closeSync, fstatSync, openSync, readSync, writeSync } from 'node:fs'
import { GuestpassError } from '@guestpass/core'

/** A file beside the one that is imported, written at once, text by text; its owner's alone. Throws `invalid_input` where that cannot be. */
export interface Appended {
  readonly isNew: boolean
  write(text: string): void
  close(): void
}

const NEWLINE = 0x0a

/** Opens the file or makes it; a last line that was cut off is ended, because what is written next would be lost with it. */
export function appended(path: string): Appended {
  const file = tried(path, () => openSync(path, 'a+', 0o600))
  const write = (text: string): void => void tried(path, () => writeSync(file, text))
  const { size } = fstatSync(file)
  const last = new Uint8Array(1)
  if (size > 0 && readSync(file, last, 0, 1, size - 1) === 1 && last[0] !== NEWLINE) write('\n')
  return { isNew: size === 0, write, close: () => closeSync(file) }
}

/** Does something with a file beside the one that is imported. */
export function tried<T>(path: string, work: () => T): T {
  try {
    return work()
  } catch (thrown) {
    throw unusable(path, thrown)
  }
}

export function unusable(path: string, thrown: unknown): GuestpassError {
  const { code = 'unknown' } = thrown as NodeJS.ErrnoException
  const message = `${path} cannot be used (${code})`
  const remedy = 'Make room, and let this user write beside the file; rows that were done are not done again.'
  return new GuestpassError('invalid_input', `${message}.`, { fields: [{ field: 'file', message, remedy }] })
}
