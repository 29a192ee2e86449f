import { SECOND } from '@guestpass/core/store-kit'
import { endsWithin, type ReachableConfig, type RuntimeHost } from '@guestpass/runtime'
import { closeConnection, type MakePorts, openConnection } from './open-connections.ts'
import type { ServedConnection, ServedConnections } from './served-connection.ts'

interface ReopenParts {
  readonly connections: ServedConnections
  readonly host: RuntimeHost
  readonly makePorts?: MakePorts | undefined
  /** Ends the event streams: their clients connect again. */
  readonly streams: { endAll(): void }
  /** Starts the workers of a connection. */
  start(one: ServedConnection): void
  /** Takes work that must end before the process does. */
  track(work: Promise<void>): void
}

/** How long a request may take from the look-up of its connection to its count among the open requests. */
const SWITCH_GRACE = SECOND
/** How long the requests of the former connection may go on. */
const REQUESTS_GRACE = 30 * SECOND

/**
 * Opens a connection with another configuration, in the place of the one of its name. The former one answers its
 * requests and is closed then. Rejects as `openConnection` does; the former one then stays.
 */
export async function reopenConnection(config: ReachableConfig, parts: ReopenParts): Promise<void> {
  const { connections, host, makePorts, streams, start, track } = parts
  const former = connections.get(config.connection)
  if (!former) return
  // What a store in memory holds would be lost with it.
  const memory = config.settings.databaseUrl.kind === 'memory' ? former.store : undefined
  const opened = await openConnection(config, host, makePorts, memory)
  connections.replace(opened)
  start(opened)
  streams.endAll()
  track(closeWhenIdle(former))
}

async function closeWhenIdle(former: ServedConnection): Promise<void> {
  const { clock } = former.runtime.ports
  await clock.sleep(SWITCH_GRACE)
  await endsWithin(REQUESTS_GRACE, former.requests.none(), clock)
  await closeConnection(former)
}
