import { statSync, unlinkSync } from 'node:fs'
import type { Millis } from '@guestpass/core/store-kit'
import { isFullDisk } from './errors.ts'
import { loadNodeSqlite } from './node-sqlite.ts'

/** A lock that one process at a time has. The system takes it back when the process ends, however it ends. */
export interface FileLock {
  release(): void
}

const inodeOf = (path: string): bigint | undefined => statSync(path, { bigint: true, throwIfNoEntry: false })?.ino

const BUSY = 5

const isBusy = (thrown: unknown): boolean => ((thrown as { errcode?: number }).errcode ?? 0) % 256 === BUSY

/**
 * Takes a lock by a file, which is made for it and removed with it; one that a kill left behind locks nothing. Undefined while another
 * process has it; `waitMs`: how long to wait for that one, default not at all. Throws what the system says where the file cannot be made.
 * The lock is the one that SQLite takes of a database, so that it works wherever the store does.
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
      // In the words of the system, as all else that a file meets here.
      if (isFullDisk(thrown)) throw Object.assign(new Error('the disk is full', { cause: thrown }), { code: 'ENOSPC' })
      throw thrown
    }
    // Another process may have removed the file that was opened; then the next one would lock a new file.
    if (found !== undefined && inodeOf(path) === found) return { release: () => unlock(path, database) }
    database.close()
  }
}

function unlock(path: string, database: { close(): void }): void {
  try {
    unlinkSync(path)
  } catch {
    // An empty file that stays locks nothing.
  }
  database.close()
}
