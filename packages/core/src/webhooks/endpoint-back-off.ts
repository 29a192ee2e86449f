import { backOffMs } from '../domain/back-off.ts'
import { MINUTE, type Millis, SECOND } from '../domain/time.ts'
import { type Clock, countdown } from '../ports/clock.ts'
import type { DeliveryOutcome } from '../ports/store.ts'

/** The longest back-off of an endpoint that takes nothing, unless it asks for more. */
const LONGEST_BACK_OFF: Millis = MINUTE

/** The back-off of one endpoint. It is known to this process alone. */
export interface EndpointBackOff {
  /** Milliseconds until the endpoint may be sent to again; 0 when it may be sent to now. */
  leftMs(): Millis
  /** Makes the back-off last `ms` from now on at least. It never shortens it. */
  extend(ms: Millis): void
  /**
   * Backs off after a batch of which nothing was taken: 2 s after the first one, then twice as long each
   * time, up to 1 min.
   */
  afterBatch(outcomes: readonly DeliveryOutcome[]): void
}

export function createEndpointBackOff(clock: Clock): EndpointBackOff {
  let failedBatches = 0
  let leftMs = countdown(clock, 0)
  const extend = (ms: Millis): void => {
    if (ms > leftMs()) leftMs = countdown(clock, ms)
  }
  return {
    leftMs: () => leftMs(),
    extend,
    afterBatch(outcomes) {
      if (outcomes.some(({ then }) => then === 'done')) failedBatches = 0
      else if (outcomes.some(({ then }) => then === 'retry')) {
        failedBatches += 1
        extend(backOffMs({ failures: failedBatches, baseMs: 2 * SECOND, maxMs: LONGEST_BACK_OFF }))
      }
    },
  }
}
