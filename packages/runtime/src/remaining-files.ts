import type { Config } from './config/config.ts'
import { databasePath } from './database-path.ts'

/** What programs around the library write. */
const FILES: readonly string[] = [
  'files of imports: the rows that were given, and those that failed (FILE.failures.csv or .ndjson)',
  'files of `guest export`: everything',
]

/** Databases that restores replaced hold the guests of their time. */
async function replacedFiles(config: Config, cwd: string): Promise<readonly string[]> {
  if (config.settings.databaseUrl.kind !== 'file') return []
  const { replacedDatabases } = await import('@guestpass/store/sqlite')
  const files = await replacedDatabases(databasePath(config, cwd))
  return files.map((file) => `${file}: the database that a restore replaced; remove it when you do not need it`)
}

/** The files that may hold data of an erased guest. The library does not know of them. */
export const remainingFiles = async (config: Config, cwd: string): Promise<readonly string[]> => [
  ...(await replacedFiles(config, cwd)),
  ...FILES,
]
