import { readdir } from 'node:fs/promises'
import { basename, dirname, join } from 'node:path'
import type { DatabaseSync } from 'node:sqlite'
import type { Instant } from '@guestpass/core/store-kit'
import type { ErasureRecord } from './erasure-list.ts'

const MARK = '.replaced-'
/** The files beside a damaged database, or one that is open. */
const PART = /-(?:wal|shm|journal)$/

/** The path that a database gets when a restore replaces it. */
export function replacedPath(path: string, at: Instant): string {
  const time = new Date(Math.floor(at)).toISOString().replaceAll(/[-:]|\.\d+/g, '')
  return `${path}${MARK}${time}`
}

/**
 * Finds the databases that restores replaced, which stay beside the database until a person removes them. They
 * hold the guests who were in the store at the time of the restore, also those that were erased since.
 *
 * @param path the path of the database
 * @returns their absolute or relative paths, as `path` is, oldest first. Empty if the folder cannot be read.
 */
export async function replacedDatabases(path: string): Promise<readonly string[]> {
  const folder = dirname(path)
  const names = await readdir(folder).catch((): readonly string[] => [])
  const isReplaced = (name: string): boolean => name.startsWith(basename(path) + MARK) && !PART.test(name)
  return names
    .filter(isReplaced)
    .toSorted()
    .map((name) => join(folder, name))
}

/**
 * Counts the guests of a list of erasures that a database still holds. An erased guest has another subject there.
 * Undefined if the database cannot be read, or an early version wrote it.
 */
export function erasedGuestsIn(database: DatabaseSync, erasures: readonly ErasureRecord[]): number | undefined {
  try {
    const find = database.prepare('select 1 from credentials where connection = ? and subject = ? limit 1')
    return erasures.filter(({ connection, subject }) => find.get(connection, subject) !== undefined).length
  } catch {
    return undefined
  }
}
