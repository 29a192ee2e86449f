import { join } from 'node:path'
import { ensureDebianBinaries, INSTALL, startPostgres } from '../postgres/server.ts'
import type { EventClass } from './events/event-plan.ts'

/** What the store of a run is on: a SQLite file, or a PostgreSQL server of its own. */
export type RunDatabase = 'sqlite' | 'postgres'

/**
 * Reads the option `--database`. Throws a TypeError for any other text. If this machine cannot have the database, says
 * so and ends the process with 0.
 */
export function chosenDatabase(text: string): RunDatabase {
  if (text !== 'sqlite' && text !== 'postgres') throw new TypeError('--database is sqlite or postgres')
  if (text === 'sqlite' || ensureDebianBinaries() !== undefined) return text
  console.log(`skipped: PostgreSQL is not installed. Install it with: ${INSTALL}`)
  return process.exit(0)
}

/** The classes of a mix that make sense on the database: the disk of a server is not that of the workers. */
export const classesOn = (on: RunDatabase, mix: readonly EventClass[]): readonly EventClass[] =>
  on === 'postgres' ? mix.filter((one) => one !== 'disk') : mix

/**
 * Makes the database of a run. A server is durable: fsync is on.
 *
 * @param folder where a file is
 */
export async function startRunDatabase(
  folder: string,
  on: RunDatabase = 'sqlite',
): Promise<{ readonly database: string; readonly stop: () => Promise<void> }> {
  if (on === 'sqlite') return { database: join(folder, 'guestpass.db'), stop: async () => {} }
  const server = await startPostgres(ensureDebianBinaries() ?? '', {})
  return { database: server.url(), stop: server.stop }
}
