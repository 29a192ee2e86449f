import type { Runtime } from '@guestpass/runtime'
import { type Finding, ok, warning } from './finding.ts'

type DatabaseServer = Awaited<ReturnType<NonNullable<Runtime['store']['server']>>>

const CHECK = 'database server'

/** Whether the server has connections for one more process, and keeps what it acknowledges. */
export function databaseServer({
  version,
  mostConnections,
  connections,
  poolSize,
  isDurable,
  mayLoseCommits,
}: DatabaseServer): Finding {
  const used = `${connections} of ${mostConnections} connections are open, a process opens up to ${poolSize}`
  if (!isDurable)
    return warning(
      CHECK,
      `PostgreSQL ${version} does not wait for its disk: a power cut may damage it`,
      'Set fsync and full_page_writes of the server to on.',
    )
  if (mostConnections - connections < poolSize)
    return warning(
      CHECK,
      `PostgreSQL ${version}: ${used}`,
      'Raise max_connections, or use PgBouncer in transaction mode.',
    )
  if (mayLoseCommits)
    return warning(
      CHECK,
      `PostgreSQL ${version} has a standby that commits do not wait for: a failover to it may lose the latest ones`,
      'Set synchronous_standby_names of the server to the standby.',
    )
  return ok(CHECK, `PostgreSQL ${version}: ${used}`)
}
