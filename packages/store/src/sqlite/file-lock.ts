import { statSync, unlinkSync } from 'node:fs'
import type { Millis } from '@guestpass/core/store-kit'
import { isFullDisk } from './errors.ts'
import { loadNodeSqlite } from './node-sqlite.ts'

/** A lock that one process at a time can hold. It ends with the process, even after a kill. */
export interface FileLock {
  /** Releases the lock and removes its file. */
  release(): void
}

const inodeOf = (path: string): bigint | undefined => statSync(path, { bigint: true, throwIfNoEntry: false })?.ino

const BUSY = 5

const isBusy = (thrown: unknown): boolean => ((thrown as { errcode?: number }).errcode ?? 0) % 256 === BUSY

/**
 * Takes a lock on a file, which it creates. A file that a killed process left behind locks nothing. The lock
 * is an SQLite lock, so it works on every file system on which the store works.
 *
 * @param path The path of the lock file.
 * @param waitMs How long to wait for another process, in milliseconds; from 0, default 0.
 * @returns The lock, or undefined if another process still holds it after `waitMs`.
 * @throws The error of the file system if the file cannot be created; code ENOSPC if the disk is full.
 */
export function fileLock(path: string, waitMs: Millis = 0): FileLock | undefined {
  const { DatabaseSync } = loadNodeSqlite()
  while (true) {
    const found = inodeOf(path)
    const database = new DatabaseSync(path, { timeout: waitMs })
    try {
      database.exec('BEGIN EXCLUSIVE')
    } catch (thrown) {
      database.close()
      if (isBusy(thrown)) return undefined
      // As an error of the file system, like all other errors here.
      if (isFullDisk(thrown)) throw Object.assign(new Error('the disk is full', { cause: thrown }), { code: 'ENOSPC' })
      throw thrown
    }
    // If another process removed the opened file, a third one would lock a new file at the same path.
    if (found !== undefined && inodeOf(path) === found) return { release: () => unlock(path, database) }
    database.close()
  }
}

function unlock(path: string, database: { close(): void }): void {
  try {
    unlinkSync(path)
  } catch {
    // A remaining file locks nothing.
  }
  database.close()
}
