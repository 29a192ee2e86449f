import { existsSync } from 'node:fs'
import { GuestpassError } from '@guestpass/core'
import { nodePorts } from '@guestpass/core/node'
import type { SealedStore } from '@guestpass/store/sqlite'
import type { Config } from './config/config.ts'
import { databaseFile, databasePlace } from './database-path.ts'
import { openMemoryStore } from './open-store.ts'
import { noStoreRemedy } from './remedies.ts'
import type { RuntimeHost } from './runtime-host.ts'
import { type Runtime, runtimeOn, withOpenRuntime, withRuntime } from './runtime.ts'

/**
 * Whether a configuration has a store: a server has one, and a database file must exist. Throws `config_invalid` as
 * `databaseFile` does.
 */
export function hasStore(config: Config, cwd: string): boolean {
  const file = databaseFile(config, cwd)
  return file === undefined || existsSync(file)
}

/** That a configuration has no store yet, and what to do, as sentences for people. */
export const missingStoreText = (config: Config, { cwd }: Pick<RuntimeHost, 'cwd'>): string =>
  `there is no store yet at ${databasePlace(config, cwd)}. ${noStoreRemedy(config.hosts !== undefined)}`

/** Throws `store_unavailable` if the configuration has no store yet, for work that needs its records or keys. */
export function requireStore(config: Config, { cwd }: Pick<RuntimeHost, 'cwd'>): void {
  if (hasStore(config, cwd)) return
  const place = databasePlace(config, cwd)
  throw new GuestpassError('store_unavailable', `There is no store ${place}. Give the path of its database.`)
}

/**
 * Runs work that reads the store. If there is no database file yet, none is made: the work gets an empty store in
 * memory without webhook endpoints, and a note says where a store was expected. Rejects as `withRuntime` does.
 */
export async function withExistingStore<T>(
  config: Config,
  host: RuntimeHost,
  work: (runtime: Runtime) => Promise<T>,
): Promise<T> {
  if (hasStore(config, host.cwd)) return withRuntime(config, host, work)
  host.note(missingStoreText(config, host))
  return withOpenRuntime(await emptyRuntime(config, host), host, work)
}

/** A runtime on an empty store. What is stored there is lost, so that nothing that must be kept is made. */
function emptyRuntime(config: Config, host: RuntimeHost): Promise<Runtime> {
  const ports = nodePorts({ proxy: host.env })
  const opened = openMemoryStore(ports)
  const rotate = async (): Promise<never> => {
    throw new Error('A store in memory has no data keys.')
  }
  const store: SealedStore = { ...opened.store, keys: { list: async () => [], rotate, check: async () => {} } }
  // The secrets that sign messages are kept in the store.
  const { idpWebhookUrl: _idp, idmWebhookUrl: _idm, analyticsWebhookUrl: _analytics, ...settings } = config.settings
  return runtimeOn({ ...opened, store }, { ...config, settings }, host, {}, ports)
}
