import { type NodePorts, nodePorts } from '@guestpass/core/node'
import {
  apiKeys,
  connect,
  createBackground,
  finishConnection,
  openSharedStore,
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
import type { ServedConnection } from './served-connection.ts'

/** Makes clock, HTTP and crypto of a connection. They are closed with it. */
export type MakePorts = (env: RuntimeHost['env']) => NodePorts

/**
 * Opens the store and the connection of a configuration. Connections on one database share its store. Rejects with
 * `config_invalid` and `store_…`.
 */
export async function openConnection(
  config: ReachableConfig,
  host: RuntimeHost,
  makePorts: MakePorts = (env) => nodePorts({ proxy: env }),
): Promise<ServedConnection> {
  const ports = makePorts(host.env)
  const opened = await openSharedStore(config, host, ports)
  const runtime = await runtimeOn(opened, config, host, { staysUp: true }, ports)
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
    }
  } catch (thrown) {
    await runtime.close()
    throw thrown
  }
}

/** Ends the work of a connection, and closes it. What is left waits in the store. */
export async function closeConnection({ background, connection, runtime }: ServedConnection): Promise<void> {
  await background.stop()
  await finishConnection(connection, runtime.ports.clock)
  await runtime.close()
}
