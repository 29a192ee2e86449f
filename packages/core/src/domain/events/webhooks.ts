import {
  type About,
  type EndFacts,
  type EventAs,
  type EventOutcome,
  firstMembers,
  lastMembers,
  type Stamp,
} from './event-parts.ts'

/** `event`, `eventType`: of the event that is delivered; `attempt` counts from 1, absent where nothing was sent. */
export type DeliveryData = {
  readonly webhook: string
  readonly event: string
  readonly eventType: string
  readonly attempt?: number
}

type TestData = { readonly webhook: string }

export type WebhookEvent =
  | EventAs<'WEBHOOK_SYNCED', 'success', DeliveryData>
  | EventAs<'WEBHOOK_FAILED', 'failure', DeliveryData>
  | EventAs<'WEBHOOK_PARKED', 'failure', DeliveryData>
  | EventAs<'WEBHOOK_DISABLED', 'failure', DeliveryData>
  | EventAs<'WEBHOOK_TEST', 'success' | 'failure', TestData>

type Made<T extends WebhookEvent['type']> = Extract<WebhookEvent, { readonly type: T }>

/** The event that is delivered. */
export interface DeliveredEvent {
  readonly id: string
  readonly type: string
  readonly generation: number
  readonly idempotencyKey?: string
}

/** One delivery of an event to a webhook endpoint. */
export interface DeliveryFacts extends Stamp, EndFacts {
  /** The id of the endpoint. */
  readonly webhook: string
  readonly delivered: DeliveredEvent
  readonly attempt?: number | undefined
}

/** A function that makes the event of one end of a delivery, which shares generation and idempotency key with its event. */
const deliveryEvent =
  <T extends 'WEBHOOK_SYNCED' | 'WEBHOOK_FAILED' | 'WEBHOOK_PARKED' | 'WEBHOOK_DISABLED', O extends EventOutcome>(
    type: T,
    outcome: O,
  ) =>
  (about: About, { webhook, delivered, attempt, ...facts }: DeliveryFacts): EventAs<T, O, DeliveryData> => ({
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

/** The endpoint took the event. */
export const webhookDelivered = deliveryEvent('WEBHOOK_SYNCED', 'success')

/** A delivery failed, and is repeated. */
export const webhookFailed = deliveryEvent('WEBHOOK_FAILED', 'failure')

/** A delivery failed for good: the message is a dead letter. */
export const webhookDeadLettered = deliveryEvent('WEBHOOK_PARKED', 'failure')

/** The endpoint answered that it is gone, and receives nothing more. */
export const webhookDisabled = deliveryEvent('WEBHOOK_DISABLED', 'failure')

/** A test of an endpoint: as it is sent, and, with latency and status, as it ended. Failed if there is an error. */
export const webhookTested = (
  about: About,
  { webhook, ...facts }: Stamp & EndFacts & { readonly webhook: string },
): Made<'WEBHOOK_TEST'> => ({
  ...firstMembers(facts, about),
  type: 'WEBHOOK_TEST',
  outcome: facts.error ? 'failure' : 'success',
  generation: 0,
  data: { webhook },
  ...lastMembers(facts),
})
