import { statSync } from 'node:fs'
import { constants, rm, writeFile } from 'node:fs/promises'
import { GuestpassError, type Random } from '@guestpass/core'
import { diskFullError, isFullDisk } from './errors.ts'

/** Space for the index of the log and for two commits: the intent before a request, and its answer. */
const RESERVE_BYTES = 128 * 1024
/** Another process may remove the reserve while this one creates it. */
const TRIES = 4

/** Disk space that is reserved for commits that must succeed. */
interface DiskReserve {
  /**
   * Creates the reserve if there is none. Rejects with `store_unavailable`, reason `disk_full`, if the disk
   * is full.
   */
  ensure(): Promise<void>
  /** Removes the reserve. */
  release(): Promise<void>
}

const isWhole = (file: string): boolean => (statSync(file, { throwIfNoEntry: false })?.size ?? 0) >= RESERVE_BYTES

/**
 * Random, because some file systems reserve no space for zeros. In halves, because `random` returns at most
 * 64 KiB.
 */
const filling = (random: Random): Uint8Array =>
  Buffer.concat([random.bytes(RESERVE_BYTES / 2), random.bytes(RESERVE_BYTES / 2)])

/**
 * Writes a file of that size to the disk. A full disk may accept a part of a write and fail only the next
 * one, which `writeFile` then makes.
 */
const writeThrough = (file: string, random: Random): Promise<void> =>
  writeFile(file, filling(random), { flag: constants.O_WRONLY | constants.O_CREAT, mode: 0o600, flush: true })

/**
 * Creates the file, which several processes may do at once. Removes an incomplete one, because it takes
 * space.
 */
async function createReserveFile(file: string, random: Random): Promise<void> {
  try {
    await writeThrough(file, random)
  } finally {
    if (!isWhole(file)) await rm(file, { force: true })
  }
}

/**
 * Creates a reserve in a file beside the database (`NAME-reserve`, mode 0600), which all processes share.
 * Ensure it before a request whose answer must be stored. Release it when a commit finds the disk full.
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
 * Tests whether the disk of a store accepts a write of 128 KiB, in a file beside the store that it removes
 * again. For a health check: a full disk makes commits fail.
 *
 * @param path The path of the store.
 * @param random The source of the bytes, because some file systems reserve no space for zeros.
 * @throws `store_unavailable`; with reason `disk_full` if the disk is full.
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
