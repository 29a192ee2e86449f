import type { Millis } from '../domain/time.ts'
import type { DueMessage, DeliveryOutcome } from '../ports/store.ts'

/** Where events go. It says of each event what came of it; an event that it says nothing of is tried again later. */
export interface Sink {
  /** The name under which the outbox keeps its events. */
  readonly name: string
  /** How long to leave it alone, in milliseconds; asked before each claim. Default 0. */
  readonly backOffMs?: () => Millis
  deliver(due: readonly DueMessage[], signal: AbortSignal): Promise<readonly DeliveryOutcome[]>
}
