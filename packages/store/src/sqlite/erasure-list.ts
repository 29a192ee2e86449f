import { open, readFile } from 'node:fs/promises'
import { dirname } from 'node:path'
import { GuestpassError } from '@guestpass/core'
import type { RecordedErasure } from '../sql/commit.ts'
import { diskFullError, isFullDisk } from './errors.ts'
import { syncFolder } from './files.ts'

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

/**
 * Adds erasures to the list of a database, on the disk when it resolves. Several processes may add at once.
 * Rejects with `store_unavailable`.
 */
export async function listErasures(path: string, erasures: readonly RecordedErasure[]): Promise<void> {
  const file = erasureListPath(path)
  const lines = erasures.map(
    ({ at, connection, subject }): ErasureRecord => ({
      at: new Date(Math.floor(at)).toISOString(),
      connection,
      subject,
    }),
  )
  // The first line break ends a line that a killed process left incomplete.
  const text = `\n${lines.map((line) => JSON.stringify(line)).join('\n')}\n`
  try {
    const handle = await open(file, 'a', PRIVATE)
    try {
      const isNew = (await handle.stat()).size === 0
      await handle.writeFile(text)
      await handle.datasync()
      if (isNew) await syncFolder(dirname(file))
    } finally {
      await handle.close()
    }
  } catch (thrown) {
    if (isFullDisk(thrown)) throw diskFullError(path, thrown)
    const code = String((thrown as NodeJS.ErrnoException).code ?? thrown)
    throw new GuestpassError(
      'store_unavailable',
      `Nothing was erased: the list of erasures ${file} cannot be written (${code}). Give the file to the user of this process.`,
      { cause: thrown },
    )
  }
}

/** Reads the list of a database. Empty if there is none. An incomplete line is left out. */
export async function readErasures(path: string): Promise<readonly ErasureRecord[]> {
  const text = await readFile(erasureListPath(path), 'utf8').catch((thrown: NodeJS.ErrnoException) => {
    if (thrown.code === 'ENOENT') return ''
    throw thrown
  })
  return text.split('\n').flatMap((line) => erasureIn(line) ?? [])
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
