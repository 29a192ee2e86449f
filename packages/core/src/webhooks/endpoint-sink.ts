import { withSpread } from '../domain/back-off.ts'
import type { Event } from '../domain/events/event.ts'
import { webhookDeadLettered, webhookDelivered, webhookDisabled, webhookFailed } from '../domain/events/webhooks.ts'
import { iso, type Millis, SECOND } from '../domain/time.ts'
import { asGuestpassError } from '../domain/errors.ts'
import { MAX_PAUSE } from '../policy/retry-after.ts'
import { stopwatch } from '../ports/clock.ts'
import type { Random } from '../ports/random.ts'
import type { DueMessage, DeliveryOutcome, Store } from '../ports/store.ts'
import type { Sink } from '../sinks/sink.ts'
import { type WebhookAttempt, type WebhookNetwork, attemptDelivery, LONGEST_ATTEMPT } from './attempt.ts'
import { deliveryEvent } from './delivery-event.ts'
import { checkpointFor, type DeliveredCheckpoint } from './sent-checkpoint.ts'
import { createEndpointBackOff, type EndpointBackOff } from './endpoint-back-off.ts'
import { type WebhookEndpoint, endpointQueue } from './endpoint.ts'
import type { Endpoints } from './endpoints.ts'
import { payloadFor } from './payload.ts'
import { nextAttemptInMs } from './retry-schedule.ts'

/** The connection of an endpoint, with its endpoints and its OAuth client. */
interface EndpointSinkParts {
  readonly connection: string
  readonly endpoints: Endpoints
  /** The id of the OAuth client, which messages to `idm` endpoints name. */
  readonly clientId?: string
}

/** What webhooks need of their surroundings. */
export interface WebhooksPorts extends WebhookNetwork {
  /** A store whose route is `webhookRoute`, or includes it. */
  readonly store: Store
  readonly random: Random
}

/** How many messages of a batch are in flight at once. Those of one guest are sent one after the other. */
export const BATCH_SIZE = 20
/** After this time since the start of a batch, its other messages are left to the next batch. */
const BATCH_BUDGET: Millis = 20 * SECOND
/** How long a batch is leased: the longest time that it takes, and some time for the store. */
export const BATCH_LEASE: Millis = BATCH_BUDGET + LONGEST_ATTEMPT + 10 * SECOND

interface Parts extends EndpointSinkParts, WebhooksPorts {
  readonly id: string
  readonly backOff: EndpointBackOff
}

interface Batch {
  readonly endpoint: WebhookEndpoint
  /** One for the batch: a batch ends within a minute. */
  readonly checkpoint: DeliveredCheckpoint
  readonly signal: AbortSignal
  readonly elapsed: () => Millis
  readonly outcomes: DeliveryOutcome[]
  /** The message that the endpoint answered with 410. */
  gone: DueMessage | undefined
  /** Whether the endpoint took a message. */
  taken: boolean
}

/**
 * Makes the sink of one endpoint. It sends each message of a batch once, and commits an event about each
 * attempt.
 */
export function createEndpointSink(id: string, sinkParts: EndpointSinkParts, ports: WebhooksPorts): Sink {
  const backOff = createEndpointBackOff(ports.clock)
  const parts: Parts = { ...sinkParts, ...ports, id, backOff }
  return {
    name: endpointQueue(parts.connection, id),
    backOffMs: backOff.leftMs,
    deliver: (due, signal) => deliverBatch(parts, due, signal),
  }
}

async function deliverBatch(
  parts: Parts,
  due: readonly DueMessage[],
  signal: AbortSignal,
): Promise<readonly DeliveryOutcome[]> {
  const endpoint = (await parts.endpoints.all()).find(({ id }) => id === parts.id)
  // The endpoint was removed.
  if (!endpoint) return due.map(({ event }) => ({ event: event.id, then: 'done' }))
  if (endpoint.disabled)
    return deadLetterAll(parts, endpoint, due, `the endpoint is disabled: ${endpoint.disabled.why}`)
  const checkpoint = await checkpointFor(parts, endpoint.id)
  const elapsed = stopwatch(parts.clock)
  const batch: Batch = { endpoint, checkpoint, signal, elapsed, outcomes: [], gone: undefined, taken: false }
  const guests = Map.groupBy(due, (message) => message.event.subject)
  await Promise.all([...guests.values()].map((messages) => deliverInOrder(parts, batch, messages)))
  if (batch.gone) await disable(parts, endpoint, batch.gone)
  // The outcomes are settled even if this fails: the next batch that is taken records it.
  if (batch.taken) await checkpoint.acknowledged().catch(() => {})
  parts.backOff.afterBatch(batch.outcomes)
  return batch.outcomes
}

/**
 * Delivers the messages of one guest in their order. Those that the batch has no time for are left to the
 * next one.
 */
async function deliverInOrder(parts: Parts, batch: Batch, messages: readonly DueMessage[]): Promise<void> {
  for (const message of messages) {
    const isOver = isStopped(parts, batch) || batch.elapsed() > BATCH_BUDGET
    batch.outcomes.push(isOver ? releaseOf(message) : await deliverOne(parts, batch, message))
  }
}

const isStopped = ({ backOff }: Parts, { signal, gone }: Batch): boolean =>
  signal.aborted || gone !== undefined || backOff.leftMs() > 0

/** Delivers a message. Never rejects. */
const deliverOne = (parts: Parts, batch: Batch, message: DueMessage): Promise<DeliveryOutcome> =>
  deliver(parts, batch, message).catch((thrown: unknown) => failureOf(parts, batch, message, thrown))

async function deliver(parts: Parts, batch: Batch, message: DueMessage): Promise<DeliveryOutcome> {
  const { connection, clientId, store, clock, random, backOff } = parts
  const { endpoint, signal, checkpoint } = batch
  const { event } = message
  const credential = await store.findBySubject(connection, event.subject)
  const payload = payloadFor(endpoint, event, {
    now: clock.wall(),
    ...(credential ? { credential } : {}),
    ...(clientId === undefined ? {} : { clientId }),
  })
  if (!payload) return { event: event.id, then: 'done' }
  const attempt = await attemptDelivery(endpoint, event, { ...payload, checkpoint: checkpoint.header }, parts, signal)
  if (attempt.result === 'taken') batch.taken = true
  const [outcome, attemptEvent] = outcomeOf(parts, endpoint, message, attempt)
  await commitEvents(parts, [attemptEvent])
  if (attempt.result === 'gone') batch.gone ??= message
  if (attempt.retryAfterMs !== undefined)
    backOff.extend(withSpread(Math.min(attempt.retryAfterMs, MAX_PAUSE), random.float()))
  return outcome
}

/** The outcome of an attempt for the outbox, and the event about it. */
function outcomeOf(
  parts: Parts,
  endpoint: WebhookEndpoint,
  message: DueMessage,
  attempt: WebhookAttempt,
): [DeliveryOutcome, Event] {
  const { event: delivered, attempts } = message
  const { result, why, retryAfterMs } = attempt
  const facts = { delivered, attempt, number: attempts + 1 }
  if (result === 'taken')
    return [{ event: delivered.id, then: 'done' }, deliveryEvent(parts, endpoint, webhookDelivered, facts)]
  const inMs = result === 'failed' ? nextAttemptInMs(attempts, retryAfterMs, parts.random.float()) : undefined
  if (inMs === undefined)
    return [
      { event: delivered.id, then: 'dead-letter', why },
      deliveryEvent(parts, endpoint, webhookDeadLettered, { ...facts, why, next: REDELIVER }),
    ]
  const next = `It is tried again at ${iso(parts.clock.wall() + inMs)}.`
  return [
    { event: delivered.id, then: 'retry', inMs, why },
    deliveryEvent(parts, endpoint, webhookFailed, { ...facts, why, next }),
  ]
}

/**
 * The outcome of a delivery that threw. One that the caller aborted counts no attempt. A failure of the store
 * counts one, so that a message which cannot be made never holds up the others.
 */
function failureOf({ random }: Parts, { signal }: Batch, message: DueMessage, thrown: unknown): DeliveryOutcome {
  if (signal.aborted) return releaseOf(message)
  const event = message.event.id
  const why = `the message could not be made or written down (${asGuestpassError(thrown).code})`
  const inMs = nextAttemptInMs(message.attempts, undefined, random.float())
  return inMs === undefined ? { event, then: 'dead-letter', why } : { event, then: 'retry', inMs, why }
}

/** The outcome of a message that is left to the next batch. It counts no attempt. */
const releaseOf = ({ event }: DueMessage): DeliveryOutcome => ({ event: event.id, then: 'release' })

/** Gives up all messages to a disabled endpoint. They can be sent again when it is enabled. */
async function deadLetterAll(
  parts: Parts,
  endpoint: WebhookEndpoint,
  due: readonly DueMessage[],
  why: string,
): Promise<readonly DeliveryOutcome[]> {
  const facts = { why, next: ENABLE }
  await commitEvents(
    parts,
    due.map(({ event: delivered }) => deliveryEvent(parts, endpoint, webhookDeadLettered, { ...facts, delivered })),
  )
  return due.map(({ event }) => ({ event: event.id, then: 'dead-letter', why }))
}

/** Disables an endpoint that answered 410, and commits the event. */
async function disable(parts: Parts, endpoint: WebhookEndpoint, { event: delivered }: DueMessage): Promise<void> {
  await parts.endpoints.disable(endpoint.id, GONE)
  await commitEvents(parts, [deliveryEvent(parts, endpoint, webhookDisabled, { delivered, why: GONE, next: ENABLE })])
}

const commitEvents = async ({ store, connection }: Parts, events: readonly Event[]): Promise<void> =>
  void (await store.commit({ connection, events }))

const GONE = 'the endpoint answered 410: it is gone'
const REDELIVER = 'It can be delivered again.'
const ENABLE = 'Enable the endpoint when it works again.'
