import type { Clock } from '@guestpass/core'
import { SECOND } from '@guestpass/core/store-kit'
import { endsWithin } from '@guestpass/runtime'
import { closeConnection } from './connections/open-connections.ts'
import type { ServedConnections } from './connections/served-connection.ts'
import type { OpenStreams } from './events/open-streams.ts'
import type { ServiceLog } from './http/log.ts'
import type { Readiness } from './readiness.ts'
import type { App } from './routes/route-parts.ts'
import type { TrackedWork } from './tracked-work.ts'

/** How long requests may go on after the service closed its port. */
const REQUESTS_GRACE = 30 * SECOND

/** What a service that runs has. */
export interface RunningParts {
  readonly app: App
  readonly connections: ServedConnections
  readonly readiness: Readiness
  readonly streams: OpenStreams
  readonly log: ServiceLog
  /** Work that ends before the process does. */
  readonly work: TrackedWork
}

/** Stops a service without losing a request. */
export async function stopService({ app, connections, readiness, streams, log, work }: RunningParts): Promise<void> {
  const { config, runtime } = connections.first
  const { clock } = runtime.ports
  const wasOpen = readiness.isOpen()
  readiness.stopping()
  // Load balancers must notice before the port closes, or they send requests that meet none.
  if (wasOpen) await clock.sleep(config.settings.drainSeconds * SECOND)
  streams.endAll()
  await closeApp(app, clock, log)
  await work.ended()
  await Promise.all(connections.all.map(closeConnection))
}

/** How often connections are closed whose request has just ended. */
const IDLE_STEP = 50

/** Closes the port, and waits for requests that are under way, for at most 30 s. */
async function closeApp(app: App, clock: Clock, log: ServiceLog): Promise<void> {
  const closed = app.close()
  const until = clock.monotonic() + REQUESTS_GRACE
  while (!(await endsWithin(IDLE_STEP, closed, clock))) {
    // An answer whose head had left before the stop leaves its connection open.
    app.server.closeIdleConnections()
    if (clock.monotonic() < until) continue
    log.warn('Requests were still running 30 s after the port was closed. They are cut off.')
    app.server.closeAllConnections()
    break
  }
  await closed
}
