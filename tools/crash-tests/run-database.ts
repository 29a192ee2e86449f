import { join } from 'node:path'
import { ensureDebianBinaries, INSTALL, startPostgres } from '../postgres/server.ts'
import type { EventClass } from './events/event-plan.ts'

/** What the store of a run is on: a SQLite file, or a PostgreSQL server of its own. */
export type RunDatabase = 'sqlite' | 'postgres'

/** Reads the option `--database`. Throws a TypeError for any other text. */
export function parseDatabase(text: string): RunDatabase {
  if (text === 'sqlite' || text === 'postgres') return text
  throw new TypeError('--database is sqlite or postgres')
}

/** Why this machine cannot have the database; undefined if it can. */
export const databaseFault = (on: RunDatabase): string | undefined =>
  on === 'postgres' && ensureDebianBinaries() === undefined
    ? `PostgreSQL is not installed. Install it with: ${INSTALL}`
    : undefined

/** The classes of a mix that make sense on the database: the disk of a server is not that of the workers. */
export const classesOn = (on: RunDatabase, mix: readonly EventClass[]): readonly EventClass[] =>
  on === 'postgres' ? mix.filter((one) => one !== 'disk') : mix

/**
 * Makes the database of a run. A server is durable: fsync is on.
 *
 * @param on default `sqlite`
 * @param folder where a file is
 */
export async function startRunDatabase(
  on: RunDatabase = 'sqlite',
  folder: string,
): Promise<{ readonly database: string; readonly stop: () => Promise<void> }> {
  if (on === 'sqlite') return { database: join(folder, 'guestpass.db'), stop: async () => {} }
  const server = await startPostgres(ensureDebianBinaries() ?? '', {})
  return { database: server.url(), stop: server.stop }
}
