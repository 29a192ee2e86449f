import { type Instant, type Millis, SECOND } from '@guestpass/core/store-kit'
import type { Runtime } from '@guestpass/runtime'
import { counted } from '../counted.ts'
import { type Finding, ok, warning } from './finding.ts'

/** What the server of a database says of itself. */
export type DatabaseServer = Awaited<ReturnType<NonNullable<Runtime['store']['server']>>>

const CHECK = 'database server'

/** Tokens end by the clock of the server. */
const MOST_AHEAD: Millis = 2 * SECOND

/**
 * Whether the server has connections for one more process, waits for its disk, and has the time of this
 * machine. `now`: the time of this machine when the server answered.
 */
export function databaseServer(
  { version, mostConnections, connections, poolSize, isDurable, time }: DatabaseServer,
  now: Instant,
): Finding {
  const room = Math.max(0, Math.floor((mostConnections - connections) / poolSize))
  const used = `${connections} of ${mostConnections} connections are open: room for ${counted(room, 'more process', 'more processes')} of up to ${poolSize}`
  if (!isDurable)
    return warning(
      CHECK,
      `PostgreSQL ${version} does not wait for its disk: a power cut may damage it`,
      'Set fsync and full_page_writes of the server to on.',
    )
  if (Math.abs(time - now) > MOST_AHEAD)
    return warning(
      CHECK,
      `PostgreSQL ${version}: its clock is ${Math.round(Math.abs(time - now) / SECOND)} seconds ${time > now ? 'ahead of' : 'behind'} the clock of this machine`,
      'Set both clocks by NTP. The time of the store is that of the server.',
    )
  if (room === 0)
    return warning(
      CHECK,
      `PostgreSQL ${version}: ${used}`,
      'Raise max_connections, or use PgBouncer in transaction mode.',
    )
  return ok(CHECK, `PostgreSQL ${version}: ${used}`)
}
