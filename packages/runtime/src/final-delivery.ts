import type { Clock, Webhooks } from '@guestpass/core'
import { SECOND } from '@guestpass/core/store-kit'
import type { QueueRelay } from './audit-relays.ts'
import { endsWithin } from './time-limit.ts'

/** How long a program that ends waits for its own events to be delivered; the rest waits in the store for the next program. */
export const FINAL_DELIVERY_MS = SECOND

/**
 * Delivers what there is for up to a second, and the records of these deliveries. What was cut off is put back, for the next one to try
 * at once.
 */
export async function deliverBeforeExit(
  hooks: Pick<Webhooks, 'drain'>,
  audits: readonly QueueRelay[],
  clock: Pick<Clock, 'sleep'>,
): Promise<void> {
  const late = new AbortController()
  const audited = (): Promise<unknown> => Promise.all(audits.map(({ relay }) => relay.drain(late.signal)))
  const ended = Promise.all([hooks.drain(late.signal), audited()]).then(audited)
  await endsWithin(FINAL_DELIVERY_MS, ended, clock).finally(() => late.abort())
  await ended
}
