import { execFileSync } from 'node:child_process'
import { existsSync, readdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import type { SeededRandom } from '../random.ts'

/** By how much a clock is wrong: a minute, an hour or a day, both ways. */
export const offsets = ['+60s', '-60s', '+3600s', '-3600s', '+86400s', '-86400s'] as const

export type Offset = (typeof offsets)[number]

/** A worker's clock: wrong from its start, or right at first and then stepped. */
export interface WrongClock {
  readonly offset: Offset
  readonly steps: boolean
}

/** Wrong by less than a day. */
export const lesserOffsets: readonly [Offset, ...Offset[]] = ['+60s', '-60s', '+3600s', '-3600s']

export const wrongClock = (random: SeededRandom, from: readonly [Offset, ...Offset[]] = offsets): WrongClock => ({
  offset: random.pick(from),
  steps: random.whole(1, 3) === 1,
})

/** The library of the Debian package `faketime`, which shows one process another time. */
const library = (): string | undefined => {
  const root = '/usr/lib'
  if (!existsSync(root)) return undefined
  const files = readdirSync(root).map((name) => join(root, name, 'faketime/libfaketimeMT.so.1'))
  return files.find((file) => existsSync(file))
}

export const hasFaketime = (): boolean => library() !== undefined

/** Installs the package where that can be done. Says why clocks cannot be wrong here; undefined: they can. */
export function clockFault(): string | undefined {
  if (hasFaketime()) return undefined
  if (process.getuid?.() !== 0 || !existsSync('/usr/bin/apt-get')) return 'the Debian package faketime is not installed'
  try {
    execFileSync('apt-get', ['install', '-y', '-qq', 'faketime'], { stdio: 'ignore' })
  } catch {
    // What counts is whether the library is there.
  }
  return hasFaketime() ? undefined : 'apt-get could not install faketime'
}

/** The environment of a worker with a wrong wall clock; its monotonic clock is right. `file`: where its offset is written. */
export function clockEnv({ offset, steps }: WrongClock, file: string): Readonly<Record<string, string>> {
  writeFileSync(file, steps ? '+0s\n' : `${offset}\n`)
  return {
    LD_PRELOAD: library() ?? '',
    FAKETIME_TIMESTAMP_FILE: file,
    FAKETIME_CACHE_DURATION: '1',
    FAKETIME_DONT_FAKE_MONOTONIC: '1',
  }
}

/** Steps the clock of a worker that runs; it sees that within a second. */
export const stepClock = ({ offset }: WrongClock, file: string): void => writeFileSync(file, `${offset}\n`)
