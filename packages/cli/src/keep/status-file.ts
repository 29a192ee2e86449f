import { rename, rm, writeFile } from 'node:fs/promises'
import { basename } from 'node:path'
import { GuestpassError } from '@guestpass/core'
import { iso } from '@guestpass/core/runtime-kit'
import type { Instant } from '@guestpass/core/store-kit'
import type { KeepLog } from './keep-log.ts'

/** Not secret: a monitor that runs as another user reads it. */
const MODE = 0o644

/** The members that every document begins with. */
export const statusHead = ({
  version,
  pid,
  connection,
  startedAt,
  now,
}: {
  readonly version: string
  readonly pid: number
  readonly connection: string
  readonly startedAt: Instant
  readonly now: Instant
}) => ({ version, pid, connection, startedAt: iso(startedAt), updatedAt: iso(now) })

/** A JSON file that a reader finds whole at any time. */
export interface StatusFile {
  /**
   * Replaces the file. Resolves when the document, or a later one, is written. Logs when that begins to fail, and
   * when it works again. Never rejects.
   */
  write(document: unknown): Promise<void>
}

/** Writes the first document. Rejects with `output_failed` if that is not possible. */
export async function openStatusFile(path: string, first: unknown, pid: number, log: KeepLog): Promise<StatusFile> {
  const part = partOf(path, pid)
  await replace(path, part, first)
  let isFailing = false
  let latest: unknown
  let underway: Promise<void> | undefined
  async function writeOnce(document: unknown): Promise<void> {
    try {
      await replace(path, part, document)
      if (isFailing) log({ event: 'status_file_recovered', message: `${path} is written again.` })
      isFailing = false
    } catch (thrown) {
      if (!isFailing) log({ event: 'status_file_failed', level: 'error', message: (thrown as Error).message })
      isFailing = true
    }
  }
  async function writeLatest(): Promise<void> {
    while (latest !== undefined) {
      const document = latest
      latest = undefined
      await writeOnce(document)
    }
    underway = undefined
  }
  return {
    // A slow disk gets the latest document only, and an older one never replaces a newer one.
    write(document) {
      latest = document
      return (underway ??= writeLatest())
    },
  }
}

/** A file of this process alone: a second process that fails to start leaves the one that runs its own. */
const partOf = (path: string, pid: number): string => `${path}.${pid}.part`

/** Writes the document of a process that could not start. A failure is dropped: the user gets the first error. */
export const writeFailedStatus = (path: string, document: unknown, pid: number): Promise<void> =>
  replace(path, partOf(path, pid), document).catch(() => {})

async function replace(path: string, part: string, document: unknown): Promise<void> {
  try {
    await writeFile(part, `${JSON.stringify(document)}\n`, { mode: MODE })
    await rename(part, path)
  } catch (thrown) {
    await rm(part, { force: true }).catch(() => {})
    const { code = 'unknown' } = thrown as NodeJS.ErrnoException
    const remedy =
      code === 'ENOSPC'
        ? 'The disk of this file is full: make room on it.'
        : 'Give --status a file in a folder that this user can write.'
    const message = `The status file ${basename(path)} cannot be written to ${path} (${code}). ${remedy}`
    throw new GuestpassError('output_failed', message, { cause: thrown })
  }
}
