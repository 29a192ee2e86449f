import type { Clock } from '@guestpass/core'
import { type Millis, MINUTE, SECOND, type StoreSizes } from '@guestpass/core/store-kit'
import type { Health } from '@guestpass/runtime'
import { Counter, Gauge, Histogram, Registry } from 'prom-client'
import type { ServedConnection, ServedConnections } from '../connections/served-connection.ts'
import { type MetricEntry, metricCatalogue } from './catalogue.ts'

/** The metrics of an instance. */
export interface Metrics {
  /** A request has come. */
  began(): void
  /** Its answer has ended. `ms`: how long it took; undefined for a stream. */
  answered(labels: { readonly method: string; readonly route: string; readonly status: number }, ms?: Millis): void
  /** All metrics in the text format of Prometheus. A store that cannot be read is a metric. */
  text(): Promise<string>
  readonly contentType: string
}

interface MetricsParts {
  readonly connections: ServedConnections
  readonly streams: { readonly count: number }
  readonly isReady: () => boolean
  readonly clock: Clock
}

/** Upper bounds in seconds. */
const BUCKETS = [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30]

const QUANTILES = [0.5, 0.99]

/** The durations that connections measure. */
const TIMERS = [
  'access_token_latency',
  'guest_authentication_latency',
  'guest_refresh_latency',
  'guest_token_latency',
  'renewal_lateness',
]

/** Sizes are counted again after this time. */
const SIZES_AGE: Millis = MINUTE

const options = ({ name, help, labels }: MetricEntry, registry: Registry) => ({
  name,
  help,
  labelNames: [...labels],
  registers: [registry],
})

function createGauges(registry: Registry) {
  const gauge = (entry: MetricEntry) => new Gauge(options(entry, registry))
  const { requestsInFlight, eventStreams, ready, storeUp, storeRows, storeOldest, ...rest } = metricCatalogue
  return {
    inFlight: gauge(requestsInFlight),
    streams: gauge(eventStreams),
    ready: gauge(ready),
    storeUp: gauge(storeUp),
    rows: gauge(storeRows),
    oldest: gauge(storeOldest),
    duration: gauge(rest.operationDuration),
    workerState: gauge(rest.workerState),
    workerBacklog: gauge(rest.workerBacklog),
    lastSuccess: gauge(rest.workerLastSuccess),
    waiting: gauge(rest.queueWaiting),
  }
}

type Gauges = ReturnType<typeof createGauges>

/** Creates the metrics of an instance. */
export function createMetrics({ connections, streams, isReady, clock }: MetricsParts): Metrics {
  const registry = new Registry()
  const requests = new Counter(options(metricCatalogue.requests, registry))
  const durations = new Histogram({ ...options(metricCatalogue.requestDuration, registry), buckets: BUCKETS })
  const operations = new Counter(options(metricCatalogue.operations, registry))
  const gauges = createGauges(registry)
  const sizesOf = createSizes(clock)

  async function refresh(): Promise<void> {
    const found = await Promise.all(connections.all.map((served) => look(served, sizesOf)))
    // From here on nothing waits: two scrapes at a time must not add to each other.
    operations.reset()
    for (const gauge of [gauges.workerState, gauges.workerBacklog, gauges.lastSuccess, gauges.waiting]) gauge.reset()
    gauges.streams.set(streams.count)
    gauges.ready.set(isReady() ? 1 : 0)
    for (const { served, health, sizes } of found) {
      const { name, connection } = served
      for (const [operation, count] of connection.meters.counters)
        operations.inc({ connection: name, operation }, count)
      setDurations(served, gauges)
      setHealth(health, gauges)
      setSizes(name, sizes, gauges)
    }
  }

  return {
    contentType: registry.contentType,
    began: () => gauges.inFlight.inc(),
    answered({ method, route, status }, ms) {
      gauges.inFlight.dec()
      requests.inc({ method, route, status: String(status) })
      if (ms !== undefined) durations.observe({ method, route }, ms / SECOND)
    },
    async text() {
      await refresh()
      return registry.metrics()
    },
  }
}

/** Asks the store and the workers of a connection. Never rejects. */
async function look(served: ServedConnection, sizesOf: SizesOf) {
  const [health, sizes] = await Promise.all([served.background.health(), sizesOf(served).catch(() => undefined)])
  return { served, health, sizes }
}

function setDurations({ name, connection: { meters } }: ServedConnection, { duration }: Gauges): void {
  for (const operation of TIMERS)
    for (const quantile of QUANTILES)
      duration.set(
        { connection: name, operation, quantile: String(quantile) },
        meters.timed(operation).quantile(quantile) / SECOND,
      )
}

function setHealth({ connection, store, workers, backlog }: Health, gauges: Gauges): void {
  gauges.storeUp.set({ connection }, store.error ? 0 : 1)
  for (const { name: worker, state, backlog: waiting, lastSuccess } of workers) {
    const labels = { connection, worker }
    gauges.workerState.set(labels, state === 'failing' ? 1 : 0)
    if (waiting !== undefined) gauges.workerBacklog.set(labels, waiting)
    if (lastSuccess !== undefined) gauges.lastSuccess.set(labels, Date.parse(lastSuccess) / SECOND)
  }
  for (const [queue, waiting] of Object.entries(backlog)) gauges.waiting.set({ connection, queue }, waiting)
}

type SizesOf = (served: ServedConnection) => Promise<StoreSizes>

/** Counts what a connection has in the store, at most once a minute. */
function createSizes(clock: Clock): SizesOf {
  const known = new Map<string, { readonly at: number; readonly sizes: Promise<StoreSizes> }>()
  return ({ name, runtime }) => {
    const now = clock.monotonic()
    const last = known.get(name)
    if (last && now - last.at < SIZES_AGE) return last.sizes
    const sizes = runtime.store.sizes(name)
    known.set(name, { at: now, sizes })
    // A count that failed is tried again by the next scrape.
    sizes.catch(() => known.delete(name))
    return sizes
  }
}

function setSizes(connection: string, sizes: StoreSizes | undefined, { rows, oldest }: Gauges): void {
  for (const { kind, rows: count, oldestAt } of sizes?.kinds ?? []) {
    const labels = { connection, kind }
    rows.set(labels, count)
    if (oldestAt !== undefined) oldest.set(labels, oldestAt / SECOND)
  }
}
