import { GuestpassError, type Secret } from '@guestpass/core'
import { isLoopback } from '@guestpass/core/runtime-kit'
import { type ConfiguredKey, configuredKeys } from '@guestpass/runtime'
import type { ServedConnections } from '../connections/served-connection.ts'
import type { ServiceLog } from '../http/log.ts'
import { keyForThisRun } from './run-key.ts'
import { warnOfShortKeys } from './short-keys.ts'

/** The keys that no store has when a service starts. */
export interface KeysAtStart {
  readonly configured: readonly ConfiguredKey[]
  /** The key for this run of each connection, if there is no other key. They are among the configured ones. */
  readonly runKeys: readonly { readonly connection: string; readonly key: Secret }[]
}

/** The keys that no store has. Rejects with `config_invalid` if the service would listen beyond loopback without any. */
export async function keysAtStart(
  connections: ServedConnections,
  address: string,
  log: ServiceLog,
): Promise<KeysAtStart> {
  const { apiKeys = [] } = connections.first.config.settings
  const configured = configuredKeys(apiKeys)
  warnOfShortKeys(apiKeys, log)
  for (const { connection } of configured.filter((one) => !connections.get(one.connection)))
    log.warn(`GUESTPASS_API_KEYS has a key for connection ${connection}, which is not served.`)
  const stored = await Promise.all(connections.all.map(({ keys }) => keys.list()))
  if (configured.length > 0 || stored.some((keys) => keys.length > 0)) return { configured, runKeys: [] }
  if (!isLoopback(address)) throw noKeys(address)
  const made = connections.all.map(({ name }) => keyForThisRun(name))
  return { configured: made, runKeys: made.map(({ connection, key }) => ({ connection, key })) }
}

function noKeys(address: string): GuestpassError {
  const message = `is not loopback (${address}), and there is no API key`
  const remedy =
    'Make a key with `guestpass api-keys create --role issuer --name NAME`, or set GUESTPASS_API_KEYS; or listen on 127.0.0.1.'
  return new GuestpassError('config_invalid', `The service did not start: --host ${message}. ${remedy}`, {
    fields: [{ field: '--host', message, remedy }],
  })
}
