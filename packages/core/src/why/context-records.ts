import { type Millis, MINUTE } from '../domain/time.ts'
import { newestLinks } from '../ports/chain-links.ts'
import type { AuditTrail, Link } from '../ports/store.ts'
import type { Cause } from './causes/causes.ts'
import { type History, type PlacedRecord, placedRecord } from './history.ts'

/** The most records of the connection that are read. */
const MOST_READ = 1_000
/** The most failures that are given. */
const MOST_FAILURES = 3
/** A circuit opens by the failures of 30 s, and is open for a minute at most before a probe is sent. */
const CIRCUIT_MEMORY: Millis = 2 * MINUTE

const restoreCauses: ReadonlySet<Cause> = new Set<Cause>([
  'restored',
  'last_resort_after_restore',
  'spent_after_restore',
])

/**
 * Reads the records of the connection, of whatever guest, that explain a cause besides those of the guest: the failures
 * that opened the circuit, or the restore of the store. The oldest first.
 */
export async function contextRecords(
  store: Pick<AuditTrail, 'chain'>,
  connection: string,
  cause: Cause,
  { decisive, token }: History,
): Promise<readonly PlacedRecord[]> {
  if (restoreCauses.has(cause)) {
    // If the token is the last that happened, the restore came after it.
    const before = decisive === token ? undefined : decisive?.count
    const links = await newestLinks(store, connection, { before, limit: MOST_READ })
    return links
      .filter(({ event }) => event.type === 'STORE_RESTORED')
      .slice(0, 1)
      .map(placedRecord)
  }
  if (cause !== 'circuit_open' || !decisive) return []
  const links = await newestLinks(store, connection, { before: decisive.count, limit: MOST_READ })
  const operation = operationOf(decisive.record.error)
  const failures = links.filter(
    (link) =>
      isUpstreamFailure(link) &&
      operationOf(link.event.error) === operation &&
      link.event.at >= decisive.at - CIRCUIT_MEMORY,
  )
  return failures.slice(0, MOST_FAILURES).toReversed().map(placedRecord)
}

/** The operation of a failed call, with which its message begins. Each operation has its own circuit. */
const operationOf = (error: { readonly message: string } | null | undefined): string | undefined =>
  error?.message.split(':', 1)[0]

/** A failure that a circuit breaker counts. */
const isUpstreamFailure = ({ event: { error, statusCode = 0 } }: Link): boolean =>
  error?.code === 'upstream_unavailable' || error?.code === 'in_doubt' || statusCode >= 500
