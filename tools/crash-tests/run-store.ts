import type { Clock, Random } from '@guestpass/core'
import { localKeyRing, postgresStore } from '@guestpass/store/postgres'
import { type SealedStore, sqliteStore } from '@guestpass/store/sqlite'

/** How long a call waits for other processes, in milliseconds. */
const WAIT_MS = 30_000

/**
 * Opens the store of a run.
 *
 * @param database the path of a SQLite file, or the address of a PostgreSQL database
 * @param key the base64 of the key that seals the store
 */
export function openRunStore(
  database: string,
  key: string,
  ports: { readonly clock: Clock; readonly random: Random },
): Promise<SealedStore> {
  const keyRing = localKeyRing(key, ports)
  return database.startsWith('postgres:')
    ? postgresStore({ url: database, keyRing, waitMs: WAIT_MS, ...ports })
    : sqliteStore({ path: database, keyRing, busyMs: WAIT_MS, ...ports })
}
