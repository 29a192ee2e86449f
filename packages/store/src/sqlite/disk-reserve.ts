import { statSync } from 'node:fs'
import { constants, rm, writeFile } from 'node:fs/promises'
import { GuestpassError, type Random } from '@guestpass/core'
import { diskFullError, isFullDisk } from './errors.ts'

/** Room for the index of the log, and for the pages of two commits: what is written down before a send, and what comes. */
const RESERVE_BYTES = 128 * 1024
/** Another process may remove a reserve while this one makes it. */
const TRIES = 4

/** Room on the disk that is kept for what has to be stored. */
export interface DiskReserve {
  /** Makes the reserve where there is none. Rejects with `store_unavailable`, reason `disk_full`, when it cannot be made. */
  ensure(): Promise<void>
  /** Gives the room back to the disk, where it was reserved. */
  release(): Promise<void>
}

const isWhole = (file: string): boolean => (statSync(file, { throwIfNoEntry: false })?.size ?? 0) >= RESERVE_BYTES

/** Random, because some file systems keep no room for zeros; in halves, because a random source gives 64 KiB at most. */
const filling = (random: Random): Uint8Array =>
  Buffer.concat([random.bytes(RESERVE_BYTES / 2), random.bytes(RESERVE_BYTES / 2)])

/**
 * Writes a file of that size through to the disk, from its beginning. A disk takes what it has room for, and says that it is full only when
 * asked again, as `writeFile` does.
 */
const writeThrough = (file: string, random: Random): Promise<void> =>
  writeFile(file, filling(random), { flag: constants.O_WRONLY | constants.O_CREAT, mode: 0o600, flush: true })

/** Processes that do it together write the same bytes of one file. What is not whole is removed: it takes room from others. */
async function createReserveFile(file: string, random: Random): Promise<void> {
  try {
    await writeThrough(file, random)
  } finally {
    if (!isWhole(file)) await rm(file, { force: true })
  }
}

/**
 * Keeps room in a file beside the database (`NAME-reserve`, mode 0600), which all processes share. It is made before
 * something is spent whose answer must be stored, and removed when a commit finds the disk full.
 */
export function createDiskReserve(path: string, random: Random): DiskReserve {
  const file = `${path}-reserve`
  return {
    async ensure() {
      for (let tries = 0; !isWhole(file); tries += 1) {
        if (tries === TRIES) throw diskFullError(path, undefined)
        try {
          await createReserveFile(file, random)
        } catch (thrown) {
          if (isFullDisk(thrown)) throw diskFullError(path, thrown)
          throw thrown
        }
      }
    },
    release: () => rm(file, { force: true }),
  }
}

/**
 * Tries whether the disk of a store takes a write of 128 KiB, and leaves nothing. Rejects with `store_unavailable`: reason
 * `disk_full`, or what the file system says.
 */
export async function tryWrite(path: string, random: Random): Promise<void> {
  const file = `${path}-try-${random.uuid()}`
  try {
    await writeThrough(file, random)
  } catch (thrown) {
    if (isFullDisk(thrown)) throw diskFullError(path, thrown)
    throw new GuestpassError(
      'store_unavailable',
      `The folder of the store ${path} cannot be written (${String((thrown as { code?: unknown }).code ?? thrown)}). Give it to the user of this process.`,
      { cause: thrown },
    )
  } finally {
    await rm(file, { force: true })
  }
}
