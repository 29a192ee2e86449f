import {
  type EventContext,
  type EndFacts,
  type TypedEvent,
  type EventOutcome,
  firstMembers,
  lastMembers,
  type EventStamp,
} from './event-parts.ts'

/** Data of a delivery to a webhook endpoint. */
export type DeliveryData = {
  /** The id of the endpoint. */
  readonly webhook: string
  /** The id and the type of the event that is delivered. */
  readonly event: string
  readonly eventType: string
  /** The number of the attempt, from 1. Absent if nothing was sent. */
  readonly attempt?: number
}

/** Data of a test of an endpoint: the id of the endpoint. */
export type WebhookTestData = { readonly webhook: string }

/**
 * The events of webhook deliveries. `WEBHOOK_SYNCED`: the endpoint accepted the event. `WEBHOOK_FAILED`: an
 * attempt failed, and is repeated. `WEBHOOK_PARKED`: the event is a dead letter. `WEBHOOK_DISABLED`: the
 * endpoint answered 410. `WEBHOOK_TEST`: a test of the endpoint.
 */
export type WebhookEvent =
  | TypedEvent<'WEBHOOK_SYNCED', 'success', DeliveryData>
  | TypedEvent<'WEBHOOK_FAILED', 'failure', DeliveryData>
  | TypedEvent<'WEBHOOK_PARKED', 'failure', DeliveryData>
  | TypedEvent<'WEBHOOK_DISABLED', 'failure', DeliveryData>
  | TypedEvent<'WEBHOOK_TEST', 'success' | 'failure', WebhookTestData>

type EventOfType<T extends WebhookEvent['type']> = Extract<WebhookEvent, { readonly type: T }>

/** The event that is delivered. */
interface DeliveredEvent {
  readonly id: string
  readonly type: string
  readonly generation: number
  readonly idempotencyKey?: string
}

/** One delivery of an event to a webhook endpoint. */
export interface DeliveryFacts extends EventStamp, EndFacts {
  /** The id of the endpoint. */
  readonly webhook: string
  readonly delivered: DeliveredEvent
  readonly attempt?: number | undefined
}

/**
 * A function that makes the event of one end of a delivery, which shares generation and idempotency key with
 * its event.
 */
const deliveryEvent =
  <T extends 'WEBHOOK_SYNCED' | 'WEBHOOK_FAILED' | 'WEBHOOK_PARKED' | 'WEBHOOK_DISABLED', O extends EventOutcome>(
    type: T,
    outcome: O,
  ) =>
  (about: EventContext, { webhook, delivered, attempt, ...facts }: DeliveryFacts): TypedEvent<T, O, DeliveryData> => ({
    ...firstMembers(facts, about),
    type,
    outcome,
    generation: delivered.generation,
    ...(delivered.idempotencyKey === undefined ? {} : { idempotencyKey: delivered.idempotencyKey }),
    data: {
      webhook,
      event: delivered.id,
      eventType: delivered.type,
      ...(attempt === undefined ? {} : { attempt }),
    },
    ...lastMembers(facts),
  })

/** The endpoint accepted the event. */
export const webhookDelivered = deliveryEvent('WEBHOOK_SYNCED', 'success')

/** A delivery failed, and is repeated. */
export const webhookFailed = deliveryEvent('WEBHOOK_FAILED', 'failure')

/** A delivery failed for good: the message is a dead letter. */
export const webhookDeadLettered = deliveryEvent('WEBHOOK_PARKED', 'failure')

/** The endpoint answered that it is gone. Nothing more is sent to it. */
export const webhookDisabled = deliveryEvent('WEBHOOK_DISABLED', 'failure')

/**
 * A test of an endpoint: as it is sent, and, with latency and status, as it ended. Failed if there is an
 * error.
 */
export const webhookTested = (
  about: EventContext,
  { webhook, ...facts }: EventStamp & EndFacts & { readonly webhook: string },
): EventOfType<'WEBHOOK_TEST'> => ({
  ...firstMembers(facts, about),
  type: 'WEBHOOK_TEST',
  outcome: facts.error ? 'failure' : 'success',
  generation: 0,
  data: { webhook },
  ...lastMembers(facts),
})
