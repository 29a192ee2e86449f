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
import { checkpointFor } from './sent-checkpoint.ts'

/** The connection whose webhooks are delivered, and the endpoints of its configuration. */
export interface WebhooksParts {
  /** The name of the connection. */
  readonly connection: string
  /** Endpoints of the configuration. Their addresses are trusted. Default: none. */
  readonly configured?: readonly ConfiguredEndpoint[]
  /** The id of the OAuth client, which messages to `idm` endpoints name. Without it, these messages wait. */
  readonly clientId?: string
  /** The actor of the events about tests of endpoints. Default `library`. */
  readonly actor?: string
}

/**
 * The webhooks of a connection: its endpoints, and the deliveries to them. `run` delivers until the signal
 * aborts, and notices added and removed endpoints within 2 s. It reports a failure while an endpoint takes
 * nothing. The backlog counts the deliveries that wait.
 */
export interface Webhooks extends StoredWorker {
  /** Lists, adds, removes, disables and rotates the secrets of endpoints. */
  readonly endpoints: Endpoints
  /**
   * Registers the endpoints of the configuration in the store, so that all processes on it queue events for
   * them. Call it at the start. A registration ends after 7 days; `run` renews it every day.
   */
  register(): Promise<void>
  /**
   * Moves new events to the queues of the endpoints that take them, and sends nothing. Resolves to the number
   * of events.
   */
  route(signal: AbortSignal): Promise<number>
  /**
   * Delivers what is due in the queue of one endpoint, once through. Resolves to the number of deliveries
   * taken.
   */
  send(id: string, signal: AbortSignal): Promise<number>
  /**
   * Delivers what is due to all endpoints, once through. Ends early when the signal aborts. Resolves to the
   * number of deliveries taken.
   */
  drain(signal: AbortSignal): Promise<number>
  /** Sends one WEBHOOK_TEST to an endpoint now, also when it is disabled. Rejects with `webhook_unknown`. */
  test(id: string, signal: AbortSignal): Promise<WebhookAttempt>
  /**
   * The dead letters of an endpoint, page by page: the deliveries that failed at each attempt. `limit`: 1 to
   * 1000. Rejects with `webhook_unknown`.
   */
  deadLetters(
    id: string,
    page: { readonly after?: string; readonly limit: number },
  ): Promise<{ readonly messages: readonly DeadLetter[]; readonly next?: string }>
  /**
   * How many events wait for an endpoint, and how many are dead letters. `most`: counts no further, at least 1;
   * default: no limit.
   */
  counts(id: string, most?: number): Promise<{ readonly waiting: number; readonly deadLetters: number }>
  /**
   * Makes events due for an endpoint again: those with the given ids, or all its dead letters and all that wait
   * for their next try. Resolves to the number of events. Rejects with `webhook_unknown`, and with `webhook_failed` while the endpoint is
   * disabled.
   */
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
  refined(schemas.store('commit', 'find', 'findBySubject', 'document', 'documents', 'chain'), (store: Store, members) =>
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
  /** Moves new events to the queues of the endpoints that take them. */
  readonly router: Relay
}

/**
 * Makes the webhooks of a connection, on a store that is opened with the route `webhookRoute`. Events are
 * delivered at least once, by the schedule of Standard Webhooks. Nothing is sent before `run`, `drain` or
 * `send` is called.
 *
 * @param parts the connection, and the endpoints of its configuration
 * @param ports `http` sends to endpoints of the configuration, `guardedHttp` to those that were added
 *
 * Throws `config_invalid` for wrong options, and where the route of the store does not include
 * `webhookRoute`.
 * Source: https://www.standardwebhooks.com
 *
 * @example
 * ```ts
 * import { memoryStore, webhookRoute, webhooks } from '@guestpass/core'
 * import { guardedHttp, nodePorts } from '@guestpass/core/node'
 *
 * const ports = { ...nodePorts(), store: memoryStore({ route: webhookRoute }) }
 * const guarded = guardedHttp()
 * const hooks = webhooks({ connection: 'default' }, { ...ports, guardedHttp: guarded.http })
 * const endpoint = await hooks.endpoints.add({ url: 'https://hooks.example.com/guestpass' })
 * console.log(endpoint.id, endpoint.secrets.length)
 * await guarded.close()
 * await ports.close()
 * ```
 */
export function webhooks(parts: WebhooksParts, ports: WebhooksPorts): Webhooks {
  checkOptions('webhooks', ['parts', parts, partsSchema], ['ports', ports, portsSchema])
  const { clientId, actor = 'library', configured = [] } = parts
  const connection = checkedConnection(parts.connection)
  const { outbox } = ports.store
  refuseUnrouted('webhooks', outbox, incomingQueue(connection), { connection, types: webhookEvents, ...UNROUTED })
  const endpoints = createEndpoints(parts, ports)
  const registration = createRegistration(connection, configured, ports)
  const toEndpoints = endpointRouter(connection, endpoints, registration, outbox)
  const router = createRelay(outbox, toEndpoints, ports, { isEmptiedBySink: true })
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
  // An event without an endpoint is no delivery.
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
  const { header, acknowledged } = await checkpointFor({ connection, store }, id)
  const payload = { body: standardBody(message), checkpoint: header }
  const attempt = await attemptDelivery(endpoint, message, payload, ports, signal)
  const { result, why, latencyMs, statusCode } = attempt
  const error = result === 'taken' ? undefined : new GuestpassError('webhook_failed', `Webhook ${id}: ${why}.`)
  const facts = { id: message.id, at: clock.wall(), webhook: id, latencyMs, statusCode, error }
  await store.commit({ connection, events: [webhookTested(about, facts)] })
  if (result === 'taken') await acknowledged()
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
      `Webhook ${id} is disabled, and nothing was sent again: ${disabled.why}.`,
      { reason: 'disabled' },
    )
  const queue = endpointQueue(connection, id)
  if (events) return outbox.enqueue(connection, queue, events)
  let enqueued = (await outbox.retryNow?.(queue)) ?? 0
  // An enqueued event is a dead letter no longer, so the next page is always the first one.
  for (;;) {
    const { messages } = await outbox.deadLetters(queue, { limit: PAGE })
    const ids = messages.map(({ event }) => event.id)
    const again = ids.length === 0 ? 0 : await outbox.enqueue(connection, queue, ids)
    if (again === 0) return enqueued
    enqueued += again
  }
}
