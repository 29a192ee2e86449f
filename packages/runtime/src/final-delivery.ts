import type { Clock, Webhooks } from '@guestpass/core'
import { SECOND } from '@guestpass/core/store-kit'
import type { QueueRelay } from './audit-relays.ts'
import { endsWithin } from './time-limit.ts'

/** How long a program that ends delivers its own events. The rest waits in the store for the next program. */
export const FINAL_DELIVERY_MS = SECOND

/**
 * Delivers waiting events for up to a second, then the audit records of these deliveries. Deliveries that
 * were cut off are put back, so that the next program tries them at once.
 */
export async function deliverBeforeExit(
  webhooks: Pick<Webhooks, 'drain'>,
  relays: readonly QueueRelay[],
  clock: Pick<Clock, 'sleep'>,
): Promise<void> {
  const late = new AbortController()
  const drainRelays = (): Promise<unknown> => Promise.all(relays.map(({ relay }) => relay.drain(late.signal)))
  const ended = Promise.all([webhooks.drain(late.signal), drainRelays()]).then(drainRelays)
  await endsWithin(FINAL_DELIVERY_MS, ended, clock).finally(() => late.abort())
  await ended
}
