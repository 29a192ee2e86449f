import { randomBytes } from 'node:crypto'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { Clock, Random, Store } from '@guestpass/core'
import { localKeyRing, sqliteStore } from '@guestpass/store/sqlite'

/** A folder that is gone when this process ends. */
export function passingFolder(): string {
  const folder = mkdtempSync(join(tmpdir(), 'guestpass-bench-'))
  process.once('exit', () => rmSync(folder, { recursive: true, force: true }))
  return folder
}

export const encryptionKey = (): string => randomBytes(32).toString('base64')

/** The embedded store, as people get it: on the disk, sealed, durable at every commit. */
export function embeddedStore(
  { clock, random }: { readonly clock: Clock; readonly random: Random },
  { path = join(passingFolder(), 'bench.db'), key = encryptionKey() }: { path?: string; key?: string } = {},
): Promise<Store> {
  return sqliteStore({ path, keyRing: localKeyRing(key, { random }), clock, random })
}
