import { checkedConnection, connectionName } from '../domain/connection-name.ts'
import { webhookTested } from '../domain/events/webhooks.ts'
import { also, call, checkOptions, needed, record, text } from '../domain/options.ts'
import { type Millis, SECOND } from '../domain/time.ts'
import { GuestpassError } from '../domain/errors.ts'
import { type Relay, createRelay } from '../outbox/relay.ts'
import { refuseUnrouted } from '../outbox/route.ts'
import * as kinds from '../ports/kinds.ts'
import type { DeadLetter, Store } from '../ports/store.ts'
import { observerOfParts, type PartObserver, repeated, type StoredWorker } from '../ports/worker.ts'
import type { Sink } from '../sinks/sink.ts'
import { type Attempt, attemptDelivery } from './attempt.ts'
import { endpointRouter } from './endpoint-router.ts'
import { type Endpoint, incomingQueue, endpointQueue, webhookEvents } from './endpoint.ts'
import { BATCH_SIZE, BATCH_LEASE, createEndpointSink, type EndpointSinkPorts } from './endpoint-sink.ts'
import { type ConfiguredEndpoint, configuredKind, type Endpoints, createEndpoints } from './endpoints.ts'
import { standardBody } from './payload.ts'
import { createRegistration } from './registration.ts'

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
  test(id: string, signal: AbortSignal): Promise<Attempt>
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

/** How often endpoints are looked for. */
const LOOK: Millis = 2 * SECOND
const PAGE = 1_000

const UNROUTED = {
  message: 'of the store names no queue of webhooks, so that no endpoint would be sent an event',
  remedy: 'Open the store with it: memoryStore({ route: webhookRoute }), or sqliteStore({ …, route: webhookRoute }).',
}

const partsKind = record<WebhooksParts>({
  connection: needed(connectionName),
  configured: configuredKind,
  clientId: text,
  actor: text,
})
const storeKind = needed(
  also(kinds.store('commit', 'find', 'findBySubject', 'document', 'documents'), (store: Store, members) =>
    kinds.outbox.faults(store.outbox, `${members}outbox`),
  ),
)
const portsKind = record<EndpointSinkPorts>(
  {
    store: storeKind,
    clock: needed(kinds.clock),
    random: needed(kinds.random),
    http: needed(kinds.http),
    guardedHttp: needed(call('Give the http of guardedHttp(); in a page, that of webPorts().')),
  },
  { open: true },
)

/** The webhooks of a connection. Throws `config_invalid` for wrong options, and where the route of the store is not `webhookRoute`. */
export function webhooks(parts: WebhooksParts, ports: EndpointSinkPorts): Webhooks {
  checkOptions('webhooks', ['parts', parts, partsKind], ['ports', ports, portsKind])
  const { clientId, actor = 'library' } = parts
  const connection = checkedConnection(parts.connection)
  const { store, clock, random } = ports
  refuseUnrouted('webhooks', store.outbox, incomingQueue(connection), { connection, types: webhookEvents, ...UNROUTED })
  const known = createEndpoints(parts, ports)
  const others = createRegistration(connection, parts.configured ?? [], ports)
  const dispatch = createRelay(store.outbox, endpointRouter(connection, known, others, store.outbox), { clock })
  const sinks = new Map<string, Sink>()

  const canServe = ({ contract }: Endpoint): boolean => contract !== 'idm' || clientId !== undefined

  /** One for each endpoint, so that a slow one delays nobody else. */
  const courier = (id: string): Relay => {
    const sink = sinks.get(id) ?? createEndpointSink(id, { ...parts, endpoints: known }, ports)
    sinks.set(id, sink)
    const failure = (why: string): GuestpassError => new GuestpassError('webhook_failed', `Webhook ${id}: ${why}.`)
    return createRelay(store.outbox, sink, { clock }, { batch: BATCH_SIZE, leaseMs: BATCH_LEASE, failure })
  }

  const counts: Webhooks['counts'] = (id, most) => store.outbox.counts(endpointQueue(connection, id), most)

  const served = async (): Promise<readonly string[]> => (await known.all()).filter(canServe).map(({ id }) => id)

  /** Keeps a courier for every endpoint there is. */
  async function couriers(signal: AbortSignal, part: () => PartObserver): Promise<void> {
    const running = new Map<string, { readonly stop: AbortController; readonly observer: PartObserver }>()
    const dismiss = (id: string): void => {
      running.get(id)?.stop.abort()
      running.get(id)?.observer.drop()
      running.delete(id)
      sinks.delete(id)
    }
    const ended: Promise<void>[] = []
    const look = async (): Promise<Millis> => {
      const ids = await served()
      for (const id of [...running.keys()].filter((one) => !ids.includes(one))) dismiss(id)
      for (const id of ids.filter((one) => !running.has(one))) {
        const [stop, observer] = [new AbortController(), part()]
        running.set(id, { stop, observer })
        ended.push(courier(id).run(AbortSignal.any([signal, stop.signal]), observer))
      }
      return LOOK
    }
    await repeated(look, { clock, signal, observer: part() })
    await Promise.all(ended)
  }

  return {
    endpoints: known,
    async backlog(most) {
      const ids = await served()
      // What no endpoint wants is no delivery.
      if (ids.length === 0) return 0
      const each = await Promise.all(ids.map((id) => counts(id, most)))
      const sum = each.reduce((all, { waiting }) => all + waiting, await dispatch.backlog(most))
      return Math.min(sum, most)
    },
    register: others.register,
    route: dispatch.drain,
    send: (id, signal) => courier(id).drain(signal),
    async drain(signal) {
      await dispatch.drain(signal)
      const settled = await Promise.all((await served()).map((id) => courier(id).drain(signal)))
      return settled.reduce((sum, count) => sum + count, 0)
    },
    async run(signal, observer) {
      const part = observerOfParts(observer)
      await Promise.all([others.run(signal, part()), dispatch.run(signal, part()), couriers(signal, part)])
    },
    async test(id, signal) {
      const endpoint = await known.get(id)
      const about = { actor, connection, subject: random.uuid(), correlationId: random.uuid() }
      const asked = webhookTested(about, { id: random.uuid(), at: clock.wall(), webhook: id })
      const tried = await attemptDelivery(endpoint, asked, { body: standardBody(asked) }, ports, signal)
      const { result, why, latencyMs, statusCode } = tried
      const error = result === 'taken' ? undefined : new GuestpassError('webhook_failed', `Webhook ${id}: ${why}.`)
      const facts = { id: asked.id, at: clock.wall(), webhook: id, latencyMs, statusCode, error }
      await store.commit({ connection, events: [webhookTested(about, facts)] })
      return tried
    },
    async deadLetters(id, page) {
      await known.get(id)
      return store.outbox.deadLetters(endpointQueue(connection, id), page)
    },
    counts,
    async redeliver(id, events) {
      const { disabled } = await known.get(id)
      if (disabled)
        throw new GuestpassError(
          'webhook_failed',
          `Webhook ${id} is disabled: ${disabled.why}. Enable it first, with \`guestpass webhooks enable ${id}\`; nothing was changed.`,
          { reason: 'disabled' },
        )
      const queue = endpointQueue(connection, id)
      if (events) return store.outbox.enqueue(connection, queue, events)
      let enqueued = 0
      // An enqueued event is a dead letter no longer, so the next page is always the first one.
      for (;;) {
        const { messages } = await store.outbox.deadLetters(queue, { limit: PAGE })
        const ids = messages.map(({ event }) => event.id)
        const again = ids.length === 0 ? 0 : await store.outbox.enqueue(connection, queue, ids)
        if (again === 0) return enqueued
        enqueued += again
      }
    },
  }
}
