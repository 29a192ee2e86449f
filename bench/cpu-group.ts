/** A share of a processor for processes, by a control group of Linux. */
import { existsSync, mkdirSync, rmdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'

/** A control group. */
export interface CpuGroup {
  /** Moves a process into the group. */
  add(pid: number): void
  /** Removes the group. Its processes must have ended. */
  remove(): void
}

/** Microseconds. Short, because a process that has used its share waits for the rest of the period. */
const PERIOD = 10_000

const roots = [
  { folder: '/sys/fs/cgroup/cpu', sign: 'cpu.cfs_quota_us' },
  { folder: '/sys/fs/cgroup', sign: 'cgroup.controllers' },
]

function limit(folder: string, quota: number): void {
  if (existsSync(join(folder, 'cpu.max'))) return writeFileSync(join(folder, 'cpu.max'), `${quota} ${PERIOD}`)
  writeFileSync(join(folder, 'cpu.cfs_period_us'), String(PERIOD))
  writeFileSync(join(folder, 'cpu.cfs_quota_us'), String(quota))
}

/**
 * Makes a group that may use a share of one processor, 0.1 or more.
 *
 * @returns the group, or why there is none
 */
export function cpuGroup(name: string, share: number): CpuGroup | string {
  const root = roots.find(({ folder, sign }) => existsSync(join(folder, sign)))
  if (!root) return 'this machine has no control groups of Linux'
  const folder = join(root.folder, `guestpass-bench-${process.pid}-${name}`)
  try {
    mkdirSync(folder)
    limit(folder, Math.round(share * PERIOD))
  } catch (thrown) {
    if (existsSync(folder)) rmdirSync(folder)
    return `control groups cannot be made here (${(thrown as NodeJS.ErrnoException).code})`
  }
  return {
    add: (pid) => writeFileSync(join(folder, 'cgroup.procs'), String(pid)),
    remove: () => rmdirSync(folder),
  }
}
