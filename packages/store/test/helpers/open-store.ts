import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { Clock } from '@guestpass/core'
import { systemClock, systemRandom } from '@guestpass/core/runtime-kit'
import type { Route } from '@guestpass/core/store-kit'
import { type KeyRing, localKeyRing, type SealedStore, sqliteStore } from '../../src/sqlite/index.ts'

export const KEY = Buffer.alloc(32, 7).toString('base64')
export const OTHER_KEY = Buffer.alloc(32, 9).toString('base64')
export const random = systemRandom()
export const ring = (text = KEY): KeyRing => localKeyRing(text, { random })

/** A store in a file with the key of the tests. */
export const openStore = (
  path: string,
  more: { clock?: Clock; route?: Route; keyRing?: KeyRing; busyMs?: number } = {},
): Promise<SealedStore> => sqliteStore({ path, keyRing: ring(), clock: systemClock(), random, ...more })

/** Runs `body` with a folder of its own that is gone afterwards. */
export async function inFolder<T>(body: (folder: string) => Promise<T>): Promise<T> {
  const folder = await mkdtemp(join(tmpdir(), 'guestpass-'))
  try {
    return await body(folder)
  } finally {
    await rm(folder, { recursive: true, force: true })
  }
}
