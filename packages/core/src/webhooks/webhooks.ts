import { checkedConnection, connectionName } from '../domain/connection-name.ts'
import { webhookTested } from '../domain/events/webhooks.ts'
import { refined, callable, checkOptions, required, object, nonEmptyText } from '../domain/options.ts'
import { GuestpassError } from '../domain/errors.ts'
import { type Relay, createRelay } from '../outbox/relay.ts'
import { refuseUnrouted } from '../outbox/route.ts'
import * as schemas from '../ports/schemas.ts'
import type { DeadLetter, Store } from '../ports/store.ts'
import { createPartObservers, type StoredWorker, type WorkerObserver } from '../ports/worker.ts'
import { type WebhookAttempt, attemptDelivery } from './attempt.ts'
import { deliverableIds, type DeliveryParts, deliveryRelay, runDeliveryWorkers } from './delivery-workers.ts'
import { endpointRouter } from './endpoint-router.ts'
import { incomingQueue, endpointQueue, webhookEvents } from './endpoint.ts'
import type { WebhooksPorts } from './endpoint-sink.ts'
import { type ConfiguredEndpoint, configuredSchema, type Endpoints, createEndpoints } from './endpoints.ts'
import { standardBody } from './payload.ts'
import { createRegistration, type Registration } from './registration.ts'

export interface WebhooksParts {
  readonly connection: string
  /** Endpoints of the configuration; their addresses are trusted. */
  readonly configured?: readonly ConfiguredEndpoint[]
  /** The OAuth client; without it, what waits for `idm` endpoints goes on waiting. */
  readonly clientId?: string
  /** Who asks, in events. Default `library`. */
  readonly actor?: string
}

/**
 * The webhooks of a connection: its endpoints, and the deliveries to them. `run` sends until the signal aborts; endpoints that come and
 * go are noticed within seconds. While an endpoint takes nothing, that is reported. The backlog is the deliveries that wait.
 */
export interface Webhooks extends StoredWorker {
  readonly endpoints: Endpoints
  /**
   * Says to all processes on the store that these endpoints are configured, so that what another process dispatches waits for them too. Call
   * it at the start. It is forgotten after 7 days in which no process said so; `run` says so again every day.
   */
  register(): Promise<void>
  /** Gives what is new to the queues of the endpoints that want it, and sends nothing. Gives how many events there were. */
  route(signal: AbortSignal): Promise<number>
  /** Sends an endpoint what is due in its queue, once through. Gives how many deliveries were settled. */
  send(id: string, signal: AbortSignal): Promise<number>
  /** Sends what is due, once through; ends early when the signal aborts. Gives how many deliveries were settled. */
  drain(signal: AbortSignal): Promise<number>
  /** Sends a WEBHOOK_TEST to an endpoint now and once, also when it is disabled. Rejects with `webhook_unknown`. */
  test(id: string, signal: AbortSignal): Promise<WebhookAttempt>
  /** What an endpoint did not take after all tries; `limit` 1 to 1000. */
  deadLetters(
    id: string,
    page: { readonly after?: string; readonly limit: number },
  ): Promise<{ readonly messages: readonly DeadLetter[]; readonly next?: string }>
  /** How many events wait for an endpoint, and how many were given up; each counted up to `most`, at least 1, where it is given. */
  counts(id: string, most?: number): Promise<{ readonly waiting: number; readonly deadLetters: number }>
  /** Makes events due for an endpoint again: these, or all that were given up. Gives how many. Rejects with `webhook_unknown`, and `webhook_failed` while it is disabled. */
  redeliver(id: string, events?: readonly string[]): Promise<number>
}

const PAGE = 1_000

const UNROUTED = {
  message: 'of the store names no queue of webhooks, so that no endpoint would be sent an event',
  remedy: 'Open the store with it: memoryStore({ route: webhookRoute }), or sqliteStore({ …, route: webhookRoute }).',
}

const partsSchema = object<WebhooksParts>({
  connection: required(connectionName),
  configured: configuredSchema,
  clientId: nonEmptyText,
  actor: nonEmptyText,
})
const storeSchema = required(
  refined(schemas.store('commit', 'find', 'findBySubject', 'document', 'documents'), (store: Store, members) =>
    schemas.outbox.faults(store.outbox, `${members}outbox`),
  ),
)
const portsSchema = object<WebhooksPorts>(
  {
    store: storeSchema,
    clock: required(schemas.clock),
    random: required(schemas.random),
    http: required(schemas.http),
    guardedHttp: required(callable('Give the http of guardedHttp(); in a page, that of webPorts().')),
  },
  { open: true },
)

interface Parts extends DeliveryParts {
  readonly actor: string
  readonly registration: Registration
  /** Gives new events to the queues of the endpoints that want them. */
  readonly router: Relay
}

/** The webhooks of a connection. Throws `config_invalid` for wrong options, and where the route of the store is not `webhookRoute`. */
export function webhooks(parts: WebhooksParts, ports: WebhooksPorts): Webhooks {
  checkOptions('webhooks', ['parts', parts, partsSchema], ['ports', ports, portsSchema])
  const { clientId, actor = 'library', configured = [] } = parts
  const connection = checkedConnection(parts.connection)
  const { outbox } = ports.store
  refuseUnrouted('webhooks', outbox, incomingQueue(connection), { connection, types: webhookEvents, ...UNROUTED })
  const endpoints = createEndpoints(parts, ports)
  const registration = createRegistration(connection, configured, ports)
  const router = createRelay(outbox, endpointRouter(connection, endpoints, registration, outbox), ports)
  const own: Parts = { connection, actor, clientId, ports, endpoints, registration, router, sinks: new Map() }
  return {
    endpoints,
    register: registration.register,
    route: router.drain,
    send: (id, signal) => deliveryRelay(own, id).drain(signal),
    drain: (signal) => drain(own, signal),
    run: (signal, observer) => run(own, signal, observer),
    backlog: (most) => backlog(own, most),
    test: (id, signal) => sendTest(own, id, signal),
    async deadLetters(id, page) {
      await endpoints.get(id)
      return outbox.deadLetters(endpointQueue(connection, id), page)
    },
    counts: (id, most) => outbox.counts(endpointQueue(connection, id), most),
    redeliver: (id, events) => redeliver(own, id, events),
  }
}

async function drain(parts: Parts, signal: AbortSignal): Promise<number> {
  await parts.router.drain(signal)
  const settled = await Promise.all((await deliverableIds(parts)).map((id) => deliveryRelay(parts, id).drain(signal)))
  return settled.reduce((sum, count) => sum + count, 0)
}

async function run(parts: Parts, signal: AbortSignal, observer: WorkerObserver | undefined): Promise<void> {
  const { registration, router } = parts
  const part = createPartObservers(observer)
  await Promise.all([
    registration.run(signal, part()),
    router.run(signal, part()),
    runDeliveryWorkers(parts, signal, part),
  ])
}

async function backlog(parts: Parts, most: number): Promise<number> {
  const { connection, ports, router } = parts
  const ids = await deliverableIds(parts)
  // What no endpoint wants is no delivery.
  if (ids.length === 0) return 0
  const counts = await Promise.all(ids.map((id) => ports.store.outbox.counts(endpointQueue(connection, id), most)))
  const sum = counts.reduce((all, { waiting }) => all + waiting, await router.backlog(most))
  return Math.min(sum, most)
}

async function sendTest(parts: Parts, id: string, signal: AbortSignal): Promise<WebhookAttempt> {
  const { connection, actor, endpoints, ports } = parts
  const { random, clock, store } = ports
  const endpoint = await endpoints.get(id)
  const about = { actor, connection, subject: random.uuid(), correlationId: random.uuid() }
  const message = webhookTested(about, { id: random.uuid(), at: clock.wall(), webhook: id })
  const attempt = await attemptDelivery(endpoint, message, { body: standardBody(message) }, ports, signal)
  const { result, why, latencyMs, statusCode } = attempt
  const error = result === 'taken' ? undefined : new GuestpassError('webhook_failed', `Webhook ${id}: ${why}.`)
  const facts = { id: message.id, at: clock.wall(), webhook: id, latencyMs, statusCode, error }
  await store.commit({ connection, events: [webhookTested(about, facts)] })
  return attempt
}

async function redeliver(
  { connection, endpoints, ports }: Parts,
  id: string,
  events: readonly string[] | undefined,
): Promise<number> {
  const { outbox } = ports.store
  const { disabled } = await endpoints.get(id)
  if (disabled)
    throw new GuestpassError(
      'webhook_failed',
      `Webhook ${id} is disabled: ${disabled.why}. Enable it first. Nothing was changed.`,
      { reason: 'disabled' },
    )
  const queue = endpointQueue(connection, id)
  if (events) return outbox.enqueue(connection, queue, events)
  let enqueued = 0
  // An enqueued event is a dead letter no longer, so the next page is always the first one.
  for (;;) {
    const { messages } = await outbox.deadLetters(queue, { limit: PAGE })
    const ids = messages.map(({ event }) => event.id)
    const again = ids.length === 0 ? 0 : await outbox.enqueue(connection, queue, ids)
    if (again === 0) return enqueued
    enqueued += again
  }
}
