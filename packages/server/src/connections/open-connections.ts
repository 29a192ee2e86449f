import { GuestpassError } from '@guestpass/core'
import { type NodePorts, nodePorts } from '@guestpass/core/node'
import {
  apiKeys,
  connect,
  createBackground,
  finishConnection,
  openSharedStore,
  type OpenStore,
  remainingFiles,
  type ReachableConfig,
  type RuntimeHost,
  runtimeOn,
  settingName,
  settingNamesIn,
  workedConnection,
} from '@guestpass/runtime'
import { createAnswerStore } from '../idempotency/answer-store.ts'
import { createAttachedStore } from '../idempotency/attached-store.ts'
import { tracedHttp } from '../tracing.ts'
import { createOpenRequests } from './open-requests.ts'
import { type ServedConnection, type ServedConnections, servedConnections } from './served-connection.ts'

/** Makes clock, HTTP and crypto of a connection. They are closed with it. */
export type MakePorts = (env: RuntimeHost['env']) => NodePorts

/**
 * Opens the store and the connection of a configuration. Connections on one database share its store. Rejects with
 * `config_invalid` and `store_…`.
 *
 * @param memory the open store of the connection, if it is in memory. Default: that of the configuration is opened
 */
export async function openConnection(
  config: ReachableConfig,
  host: RuntimeHost,
  makePorts: MakePorts = (env) => nodePorts({ proxy: env }),
  memory?: OpenStore,
): Promise<ServedConnection> {
  const ports = makePorts(host.env)
  const opened = memory ?? (await openSharedStore(config, host, ports))
  const ending = new AbortController()
  const signal = AbortSignal.any([host.signal, ending.signal])
  const runtime = await runtimeOn(opened, config, { ...host, signal }, { staysUp: true }, ports)
  try {
    const attached = createAttachedStore(runtime.store)
    const http = tracedHttp(runtime.ports.http)
    const connection = await connect(config, {
      ...runtime,
      ports: { ...runtime.ports, store: attached.store, http },
    })
    const { connection: name } = config
    const nameOf = (key: Parameters<typeof settingName>[0]): string => settingName(key, name)
    const translate = { text: (message: string): string => settingNamesIn(message, nameOf) }
    return {
      name,
      config,
      runtime,
      connection,
      background: createBackground({ runtime, kept: workedConnection(connection, config.settings), opened, translate }),
      keys: apiKeys(name, runtime.ports),
      remainingFiles: () => remainingFiles(config, host.cwd),
      answers: createAnswerStore(name, runtime, attached),
      store: opened,
      requests: createOpenRequests(),
      cutOff: () => ending.abort(),
    }
  } catch (thrown) {
    await runtime.close()
    throw thrown
  }
}

/** Ends the work of a connection: its workers, and then what its calls began. What is left waits in the store. */
export async function endWork({ background, connection, runtime }: ServedConnection): Promise<void> {
  await background.stop()
  await finishConnection(connection, runtime.ports.clock)
}

/** Ends the work of a connection, and closes it. */
export async function closeConnection(one: ServedConnection): Promise<void> {
  await endWork(one)
  await one.runtime.close()
}

/** Opens the connections of a service. Rejects as `openConnection` does; then none is open. */
export async function openConnections(
  { configs, makePorts }: { readonly configs: readonly ReachableConfig[]; readonly makePorts?: MakePorts },
  host: RuntimeHost,
): Promise<ServedConnections> {
  const opened: ServedConnection[] = []
  try {
    // One after the other: the first one may make the database.
    for (const config of configs) opened.push(await openConnection(config, host, makePorts))
  } catch (thrown) {
    await Promise.all(opened.map(closeConnection))
    throw thrown
  }
  const [first, ...others] = opened
  if (!first) throw new GuestpassError('internal', 'A service needs at least one connection.')
  return servedConnections(first, ...others)
}
