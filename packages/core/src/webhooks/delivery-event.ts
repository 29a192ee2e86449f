import { GuestpassError } from '../domain/errors.ts'
import type { Event } from '../domain/events/event.ts'
import type { EventContext } from '../domain/events/event-parts.ts'
import type { DeliveryFacts } from '../domain/events/webhooks.ts'
import type { Clock } from '../ports/clock.ts'
import type { Random } from '../ports/random.ts'
import type { WebhookAttempt } from './attempt.ts'
import type { WebhookEndpoint } from './endpoint.ts'

interface DeliveryEventParts {
  readonly connection: string
  readonly clock: Clock
  readonly random: Random
}

/** What is known of a delivery when an event about it is made. */
interface DeliveryEnd {
  readonly delivered: Event
  readonly attempt?: WebhookAttempt
  /** The number of the attempt, from 1. */
  readonly number?: number
  /** Why it failed, as a clause; absent where it did not. */
  readonly why?: string
  /** What happens next, or what to do, as a sentence. */
  readonly next?: string
}

/** An event about a delivery to an endpoint, made by `make`. */
export function deliveryEvent(
  { connection, random, clock }: DeliveryEventParts,
  { id }: WebhookEndpoint,
  make: (about: EventContext, facts: DeliveryFacts) => Event,
  { delivered, attempt, number, why, next = '' }: DeliveryEnd,
): Event {
  const { subject, correlationId } = delivered
  const error =
    why === undefined ? undefined : new GuestpassError('webhook_failed', `Webhook ${id}: ${why}. ${next}`.trim())
  return make(
    { actor: 'webhooks', connection, subject, correlationId },
    {
      id: random.uuid(),
      at: clock.wall(),
      webhook: id,
      delivered,
      attempt: number,
      statusCode: attempt?.statusCode,
      latencyMs: attempt?.latencyMs,
      error,
    },
  )
}
