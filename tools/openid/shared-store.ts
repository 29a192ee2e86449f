import type { ConnectionPorts } from '@guestpass/core'
import { localKeyRing, type SealedStore, sqliteStore } from '@guestpass/store/sqlite'

const KEY = Buffer.alloc(32, 7).toString('base64')

/** The store in a file that the processes of a run share. */
export const openedStore = (path: string, world: Pick<ConnectionPorts, 'clock' | 'random'>): Promise<SealedStore> =>
  sqliteStore({ path, keyRing: localKeyRing(KEY, world), busyMs: 30_000, ...world })
