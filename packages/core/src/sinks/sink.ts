import type { Millis } from '../domain/time.ts'
import type { DueMessage, DeliveryOutcome } from '../ports/store.ts'

/** Where a relay delivers events to. */
export interface Sink {
  /** The name of the queue in which the outbox keeps the events of the sink. */
  readonly name: string
  /** How long nothing may be delivered from now on, in milliseconds. Called before each claim. Default 0. */
  readonly backOffMs?: () => Millis
  /**
   * Delivers a batch of events.
   *
   * @returns the outcome of each event; an event without an outcome is retried later
   *
   * Where it rejects, the whole batch is retried later, under the message of the error.
   */
  deliver(due: readonly DueMessage[], signal: AbortSignal): Promise<readonly DeliveryOutcome[]>
}
