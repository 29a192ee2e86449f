import { execFileSync } from 'node:child_process'
import { mkdirSync, statfsSync } from 'node:fs'
import { DatabaseSync } from 'node:sqlite'
import { setTimeout as sleep } from 'node:timers/promises'

/** A file system of its own that can be full for a while. */
export interface SmallDisk {
  readonly folder: string
  /**
   * Leaves no room for `ms` milliseconds. The log of the database is emptied first, so that the next write
   * needs room.
   *
   * @param database the path of a database on this disk
   */
  full(database: string, ms: number): Promise<void>
  close(): void
}

/** Why this machine cannot have a small disk; undefined if it can. */
export const diskFault = (): string | undefined =>
  process.platform === 'linux' && process.getuid?.() === 0 ? undefined : 'a tmpfs can be mounted by root on Linux only'

const ROOM_MIB = 1_024

/** Makes a folder and mounts a tmpfs on it. */
export function smallDisk(folder: string): SmallDisk {
  mkdirSync(folder)
  const mount = (options: string): void => {
    execFileSync('mount', ['-t', 'tmpfs', '-o', options, 'tmpfs', folder], { stdio: 'ignore' })
  }
  const roomy = `size=${ROOM_MIB}m`
  mount(roomy)
  return {
    folder,
    async full(database, ms) {
      emptyLog(database)
      leaveNoRoom(folder, mount)
      await sleep(ms)
      mount(`remount,${roomy}`)
    },
    close() {
      execFileSync('umount', ['--lazy', folder])
    },
  }
}

/** Shrinks the file system to the blocks in use. Tries again if a write takes blocks meanwhile. */
function leaveNoRoom(folder: string, mount: (options: string) => void): void {
  for (let tries = 0; tries < 20; tries += 1) {
    const { bsize, blocks, bfree } = statfsSync(folder)
    try {
      return mount(`remount,size=${(blocks - bfree) * bsize}`)
    } catch {
      // A write has taken blocks since `statfs`.
    }
  }
}

function emptyLog(database: string): void {
  const file = new DatabaseSync(database, { timeout: 500 })
  try {
    file.exec('pragma wal_checkpoint(truncate)')
  } finally {
    file.close()
  }
}
