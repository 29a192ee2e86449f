import type { Clock, Connection } from '@guestpass/core'
import { SECOND } from '@guestpass/core/store-kit'
import { endsWithin } from './time-limit.ts'

/** How long attributes of guests may take to reach the upstream. */
const ENRICHMENT_GRACE = SECOND
/** How long a renewal may take whose tokens the store does not take. */
const RENEWAL_GRACE = 60 * SECOND

/**
 * Waits for the work that the calls of a connection began: up to 1 s for enrichment, whose rest waits in the store
 * for the next program, then up to 60 s for renewals. A refresh token would be lost if its successor were not
 * stored. Resolves to whether the renewals ended. Never rejects.
 */
export async function finishConnection(
  { guests, idle }: Pick<Connection, 'guests' | 'idle'>,
  clock: Clock,
): Promise<boolean> {
  const late = new AbortController()
  const drained = guests.enrichment.drain(late.signal).catch(() => {})
  await endsWithin(ENRICHMENT_GRACE, drained, clock)
  late.abort()
  return endsWithin(RENEWAL_GRACE, idle(), clock)
}
