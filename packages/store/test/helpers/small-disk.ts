import { execFileSync } from 'node:child_process'
import { closeSync, mkdtempSync, openSync, rmSync, writeSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

/** A disk of 1 MB that a test may fill. */
export interface SmallDisk {
  readonly folder: string
  /** Takes all room but so many bytes. */
  fill(leave?: number): void
  /** Gives the room back. */
  empty(): void
}

const mounted = (folder: string, size: string): void => {
  execFileSync('mount', ['-t', 'tmpfs', '-o', `size=${size}`, 'tmpfs', folder], { stdio: 'ignore' })
}

const unmounted = (folder: string): void => {
  execFileSync('umount', ['-l', folder], { stdio: 'ignore' })
  rmSync(folder, { recursive: true, force: true })
}

/** Whether this user may mount a small disk. */
export const mayMount: boolean = (() => {
  const folder = mkdtempSync(join(tmpdir(), 'guestpass-mount-'))
  try {
    mounted(folder, '64k')
    unmounted(folder)
    return true
  } catch {
    rmSync(folder, { recursive: true, force: true })
    return false
  }
})()

if (!mayMount) console.warn('Skipped: tests on a full disk need the right to mount a tmpfs (run them as root).')

const PAGE = 4_096

function fillFile(file: string): void {
  const handle = openSync(file, 'a')
  try {
    for (;;) writeSync(handle, Buffer.alloc(PAGE, 1))
  } catch (thrown) {
    if ((thrown as { code?: unknown }).code !== 'ENOSPC') throw thrown
  } finally {
    closeSync(handle)
  }
}

/** Runs `body` with a disk of its own that is gone afterwards. */
export async function onSmallDisk(body: (disk: SmallDisk) => Promise<void>): Promise<void> {
  const folder = mkdtempSync(join(tmpdir(), 'guestpass-disk-'))
  mounted(folder, '1m')
  const ballast = join(folder, 'ballast')
  const spare = join(folder, 'spare')
  try {
    await body({
      folder,
      fill(leave = 0) {
        if (leave > 0) {
          const handle = openSync(spare, 'w')
          writeSync(handle, Buffer.alloc(leave, 1))
          closeSync(handle)
        }
        fillFile(ballast)
        rmSync(spare, { force: true })
      },
      empty: () => rmSync(ballast, { force: true }),
    })
  } finally {
    unmounted(folder)
  }
}
