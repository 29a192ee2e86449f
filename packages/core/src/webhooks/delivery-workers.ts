import { GuestpassError } from '../domain/errors.ts'
import { type Millis, SECOND } from '../domain/time.ts'
import { createRelay, type Relay } from '../outbox/relay.ts'
import { type PartObserver, repeatUntilAborted } from '../ports/worker.ts'
import type { Sink } from '../sinks/sink.ts'
import type { WebhookEndpoint } from './endpoint.ts'
import { BATCH_LEASE, BATCH_SIZE, createEndpointSink, type WebhooksPorts } from './endpoint-sink.ts'
import type { Endpoints } from './endpoints.ts'

/** What delivers to the endpoints of a connection. */
export interface DeliveryParts {
  readonly connection: string
  readonly endpoints: Endpoints
  /** The OAuth client. Without it, messages to `idm` endpoints wait. */
  readonly clientId?: string | undefined
  readonly ports: WebhooksPorts
  /** By the id of the endpoint. A sink is kept because it knows the back-off of its endpoint. */
  readonly sinks: Map<string, Sink>
}

/** How often endpoints that were added or removed are noticed. */
const POLL: Millis = 2 * SECOND

/** The relay that delivers to one endpoint. Each endpoint has its own, so that a slow one delays no other. */
export function deliveryRelay({ connection, endpoints, clientId, ports, sinks }: DeliveryParts, id: string): Relay {
  const client = clientId === undefined ? {} : { clientId }
  const sink = sinks.get(id) ?? createEndpointSink(id, { connection, endpoints, ...client }, ports)
  sinks.set(id, sink)
  const failure = (why: string): GuestpassError => new GuestpassError('webhook_failed', `Webhook ${id}: ${why}.`)
  return createRelay(ports.store.outbox, sink, ports, { batch: BATCH_SIZE, leaseMs: BATCH_LEASE, failure })
}

/** The ids of the endpoints that this process can deliver to. */
export async function deliverableIds({ endpoints, clientId }: DeliveryParts): Promise<readonly string[]> {
  const canDeliver = ({ contract }: WebhookEndpoint): boolean => contract !== 'idm' || clientId !== undefined
  return (await endpoints.all()).filter(canDeliver).map(({ id }) => id)
}

interface RunningWorker {
  readonly stop: AbortController
  readonly observer: PartObserver
}

/**
 * Runs a delivery worker for each endpoint until the signal aborts. `part` makes the observer of one worker.
 */
export async function runDeliveryWorkers(
  parts: DeliveryParts,
  signal: AbortSignal,
  part: () => PartObserver,
): Promise<void> {
  const running = new Map<string, RunningWorker>()
  const ended: Promise<void>[] = []
  const startAndStop = async (): Promise<Millis> => {
    const ids = await deliverableIds(parts)
    for (const [id, worker] of [...running].filter(([one]) => !ids.includes(one))) {
      stopWorker(worker)
      running.delete(id)
      parts.sinks.delete(id)
    }
    for (const id of ids.filter((one) => !running.has(one))) {
      const worker: RunningWorker = { stop: new AbortController(), observer: part() }
      running.set(id, worker)
      ended.push(deliveryRelay(parts, id).run(AbortSignal.any([signal, worker.stop.signal]), worker.observer))
    }
    return POLL
  }
  await repeatUntilAborted(startAndStop, { clock: parts.ports.clock, signal, observer: part() })
  await Promise.all(ended)
}

function stopWorker({ stop, observer }: RunningWorker): void {
  stop.abort()
  observer.drop()
}
