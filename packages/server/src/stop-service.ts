import type { Clock } from '@guestpass/core'
import { SECOND } from '@guestpass/core/store-kit'
import { endsWithin } from '@guestpass/runtime'
import { endWork } from './connections/open-connections.ts'
import type { ServedConnections } from './connections/served-connection.ts'
import type { OpenStreams } from './events/open-streams.ts'
import type { ServiceLog } from './http/log.ts'
import type { Readiness } from './readiness.ts'
import type { App } from './routes/route-parts.ts'
import type { TrackedWork } from './tracked-work.ts'

/** How long requests may go on after the service closed its port. */
const REQUESTS_GRACE = 30 * SECOND

/**
 * How long workers, renewals and other work may go on then. Work waits for a database or an upstream that is gone, and
 * new tokens wait for the store as long as the process lives.
 */
const WORK_GRACE = 20 * SECOND
/** How long the connections may take to close, after their work has ended or was cut off. */
const CLOSE_GRACE = 5 * SECOND

/** What a service that runs has. */
export interface RunningParts {
  readonly app: App
  readonly connections: ServedConnections
  readonly readiness: Pick<Readiness, 'isOpen' | 'stopping'>
  readonly streams: Pick<OpenStreams, 'endAll'>
  readonly log: Pick<ServiceLog, 'warn'>
  /** Work that ends before the process does. */
  readonly work: TrackedWork
}

/** Stops a service without losing a request. It ends at most 55 s after the drain, whatever the database does. */
export async function stopService({ app, connections, readiness, streams, log, work }: RunningParts): Promise<void> {
  const { config, runtime } = connections.first
  const { clock } = runtime.ports
  const wasOpen = readiness.isOpen()
  readiness.stopping()
  // Load balancers must notice before the port closes, or they send requests that meet none.
  if (wasOpen) await clock.sleep(config.settings.drainSeconds * SECOND)
  streams.endAll()
  await closeApp(app, clock, log)
  const open = connections.all
  const ended = Promise.all([work.ended(), ...open.map(endWork)])
  if (!(await endsWithin(WORK_GRACE, ended, clock))) {
    log.warn(
      'Work was still running 20 s after the last request. It is cut off. The next start goes on from what is stored.',
    )
    for (const one of open) one.cutOff()
  }
  const closed = Promise.all(open.map(({ runtime: { close } }) => close()))
  if (!(await endsWithin(CLOSE_GRACE, closed, clock))) log.warn('The store did not close within 5 s.')
}

/** How often connections are closed whose request has just ended. */
const IDLE_STEP = 50

/** Closes the port, and waits for requests that are under way, for at most 30 s. */
async function closeApp(app: App, clock: Clock, log: Pick<ServiceLog, 'warn'>): Promise<void> {
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
