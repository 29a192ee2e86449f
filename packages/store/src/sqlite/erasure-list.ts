import {
  closeSync,
  fdatasyncSync,
  fstatSync,
  fsyncSync,
  openSync,
  readFileSync,
  renameSync,
  rmSync,
  writeFileSync,
} from 'node:fs'
import { readFile } from 'node:fs/promises'
import { dirname } from 'node:path'
import { GuestpassError } from '@guestpass/core'
import type { Instant, Millis } from '@guestpass/core/store-kit'
import type { RecordedErasure } from '../sql/commit.ts'
import { diskFullError, isFullDisk } from './errors.ts'
import { type FileLock, fileLock } from './file-lock.ts'
import { syncFolderNow } from './files.ts'

/** An erased guest in the list: nothing in it is personal. */
export interface ErasureRecord {
  /** ISO 8601 in UTC. */
  readonly at: string
  readonly connection: string
  /** The random subject that the guest had in events. */
  readonly subject: string
}

const PRIVATE = 0o600

/** The list of erasures of a database: a file beside it, which a restore does not replace. */
export const erasureListPath = (path: string): string => `${path}.erasures`

/** How long an erasure waits for a process that changes the list. Each needs milliseconds. */
const WAIT_MS: Millis = 5_000

/**
 * Adds erasures to the list of a database, on the disk when it resolves. Several processes may add at once.
 * Rejects with `store_unavailable`.
 */
export async function listErasures(path: string, erasures: readonly RecordedErasure[]): Promise<void> {
  const lines = erasures.map(
    ({ at, connection, subject }): ErasureRecord => ({
      at: new Date(Math.floor(at)).toISOString(),
      connection,
      subject,
    }),
  )
  // The first line break ends a line that a killed process left incomplete.
  const text = `\n${lines.map((line) => JSON.stringify(line)).join('\n')}\n`
  changeList(path, 'Nothing was erased', (file) => append(file, text))
}

/**
 * Removes the erasures of a connection before a time from the list of a database. A kill leaves the list as it was,
 * or shortened. Resolves to the number of lines that were removed. Rejects with `store_unavailable`.
 */
export async function forgetErasures(path: string, connection: string, before: Instant): Promise<number> {
  const isOld = (line: string): boolean => {
    const listed = erasureIn(line)
    return listed?.connection === connection && Date.parse(listed.at) < before
  }
  // Most passes find nothing. Only one that finds something takes the lock.
  if (!(await readLines(path)).some(isOld)) return 0
  return changeList(path, 'The list of erasures was not shortened', (file) => shorten(file, isOld))
}

/** Changes the list while no other process does. It does not wait in between, so that no other call does either. */
function changeList<T>(path: string, failed: string, change: (file: string) => T): T {
  const file = erasureListPath(path)
  let lock: FileLock | undefined
  try {
    lock = fileLock(`${file}.lock`, WAIT_MS)
    if (!lock) throw Object.assign(new Error('another process changes it'), { code: 'EBUSY' })
    return change(file)
  } catch (thrown) {
    if (isFullDisk(thrown)) throw diskFullError(path, thrown)
    const code = String((thrown as NodeJS.ErrnoException).code ?? thrown)
    throw new GuestpassError(
      'store_unavailable',
      `${failed}: the list of erasures ${file} cannot be written (${code}). Give the file to the user of this process.`,
      { cause: thrown },
    )
  } finally {
    lock?.release()
  }
}

/** Opens a file as long as some work lasts. */
function withFile<T>(file: string, flags: string, work: (descriptor: number) => T): T {
  const descriptor = openSync(file, flags, PRIVATE)
  try {
    return work(descriptor)
  } finally {
    closeSync(descriptor)
  }
}

function append(file: string, text: string): void {
  const isNew = withFile(file, 'a', (descriptor) => {
    const { size } = fstatSync(descriptor)
    writeFileSync(descriptor, text)
    fdatasyncSync(descriptor)
    return size === 0
  })
  if (isNew) syncFolderNow(dirname(file))
}

/** Writes the other lines to a new file, which takes the name of the list in one step. */
function shorten(file: string, isOld: (line: string) => boolean): number {
  const lines = readFileSync(file, 'utf8').split('\n')
  const draft = `${file}.part`
  const kept = lines.filter((line) => line !== '' && !isOld(line))
  // A killed process may have left one.
  rmSync(draft, { force: true })
  withFile(draft, 'wx', (descriptor) => {
    writeFileSync(descriptor, `${kept.join('\n')}\n`)
    fsyncSync(descriptor)
  })
  renameSync(draft, file)
  syncFolderNow(dirname(file))
  return lines.filter(isOld).length
}

/** Reads the list of a database. Empty if there is none. An incomplete line is left out. */
export const readErasures = async (path: string): Promise<readonly ErasureRecord[]> =>
  (await readLines(path)).flatMap((line) => erasureIn(line) ?? [])

async function readLines(path: string): Promise<readonly string[]> {
  const text = await readFile(erasureListPath(path), 'utf8').catch((thrown: NodeJS.ErrnoException) => {
    if (thrown.code === 'ENOENT') return ''
    throw thrown
  })
  return text.split('\n')
}

function erasureIn(line: string): ErasureRecord | undefined {
  try {
    const { at, connection, subject } = JSON.parse(line) as Readonly<Record<string, unknown>>
    const isWhole = typeof at === 'string' && typeof connection === 'string' && typeof subject === 'string'
    return isWhole ? { at, connection, subject } : undefined
  } catch {
    return undefined
  }
}
