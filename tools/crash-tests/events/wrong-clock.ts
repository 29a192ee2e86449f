import { execFileSync } from 'node:child_process'
import { existsSync, readdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import type { SeededRandom } from '../random.ts'

/** By how much a clock is wrong: ahead or behind by a minute, an hour or a day. */
const offsets = ['+60s', '-60s', '+3600s', '-3600s', '+86400s', '-86400s'] as const

export type Offset = (typeof offsets)[number]

/** A worker's clock: wrong from its start, or right at first and then stepped. */
export interface WrongClock {
  readonly offset: Offset
  readonly steps: boolean
}

/** The offsets of less than a day. */
export const lesserOffsets: readonly [Offset, ...Offset[]] = ['+60s', '-60s', '+3600s', '-3600s']

export const wrongClock = (random: SeededRandom, from: readonly [Offset, ...Offset[]] = offsets): WrongClock => ({
  offset: random.pick(from),
  steps: random.whole(1, 3) === 1,
})

/** The path of the library of the Debian package `faketime`, which changes the time for one process. */
const library = (): string | undefined => {
  const root = '/usr/lib'
  if (!existsSync(root)) return undefined
  const files = readdirSync(root).map((name) => join(root, name, 'faketime/libfaketimeMT.so.1'))
  return files.find((file) => existsSync(file))
}

export const hasFaketime = (): boolean => library() !== undefined

/**
 * Installs the package if possible. Returns why this machine cannot have wrong clocks; undefined if it can.
 */
export function clockFault(): string | undefined {
  if (hasFaketime()) return undefined
  if (process.getuid?.() !== 0 || !existsSync('/usr/bin/apt-get')) return 'the Debian package faketime is not installed'
  try {
    execFileSync('apt-get', ['install', '-y', '-qq', 'faketime'], { stdio: 'ignore' })
  } catch {
    // Only the presence of the library counts.
  }
  return hasFaketime() ? undefined : 'apt-get could not install faketime'
}

/**
 * The environment of a worker with a wrong wall clock and a right monotonic clock. `file`: the file of the
 * offset.
 */
export function clockEnv({ offset, steps }: WrongClock, file: string): Readonly<Record<string, string>> {
  writeFileSync(file, steps ? '+0s\n' : `${offset}\n`)
  return {
    LD_PRELOAD: library() ?? '',
    FAKETIME_TIMESTAMP_FILE: file,
    FAKETIME_CACHE_DURATION: '1',
    FAKETIME_DONT_FAKE_MONOTONIC: '1',
  }
}

/** Steps the clock of a running worker. The step takes effect within a second. */
export const stepClock = ({ offset }: WrongClock, file: string): void => writeFileSync(file, `${offset}\n`)
