/** A metric of the service, as Prometheus and docs/service.md show it. */
export interface MetricEntry {
  readonly name: string
  readonly type: 'counter' | 'gauge' | 'histogram'
  /** What it measures: a phrase without a full stop. */
  readonly help: string
  /** The unit of its values. */
  readonly unit: string
  readonly labels: readonly string[]
}

const metric = <const M extends MetricEntry>(entry: M): M => entry

/** Every metric of the service. The page about the service is generated from it; each one is collected from it. */
export const metricCatalogue = {
  requests: metric({
    name: 'guestpass_http_requests_total',
    type: 'counter',
    help: 'Requests that were answered, by method, route and status',
    unit: 'requests',
    labels: ['method', 'route', 'status'],
  }),
  requestDuration: metric({
    name: 'guestpass_http_request_duration_seconds',
    type: 'histogram',
    help: 'Time from the arrival of a request to the end of its answer, event streams left out',
    unit: 'seconds',
    labels: ['method', 'route'],
  }),
  requestsInFlight: metric({
    name: 'guestpass_http_requests_in_flight',
    type: 'gauge',
    help: 'Requests that are being answered',
    unit: 'requests',
    labels: [],
  }),
  eventStreams: metric({
    name: 'guestpass_event_streams',
    type: 'gauge',
    help: 'Event streams that are open',
    unit: 'streams',
    labels: [],
  }),
  operations: metric({
    name: 'guestpass_operations_total',
    type: 'counter',
    help: 'Work of this instance, by connection and operation, as guest_token_issued or guest_refresh_failed',
    unit: 'operations',
    labels: ['connection', 'operation'],
  }),
  operationDuration: metric({
    name: 'guestpass_operation_duration_seconds',
    type: 'gauge',
    help: 'Time of this work, at the quantiles 0.5 and 0.99: guest_token_latency, guest_refresh_latency, …',
    unit: 'seconds',
    labels: ['connection', 'operation', 'quantile'],
  }),
  workerState: metric({
    name: 'guestpass_worker_failing',
    type: 'gauge',
    help: 'Whether the last pass of a worker failed: 1, else 0',
    unit: 'boolean',
    labels: ['connection', 'worker'],
  }),
  workerBacklog: metric({
    name: 'guestpass_worker_backlog',
    type: 'gauge',
    help: 'Work that waits for a worker, counted up to 10,000',
    unit: 'items',
    labels: ['connection', 'worker'],
  }),
  workerLastSuccess: metric({
    name: 'guestpass_worker_last_success_timestamp_seconds',
    type: 'gauge',
    help: 'When a pass of a worker last succeeded',
    unit: 'seconds since 1970',
    labels: ['connection', 'worker'],
  }),
  queueWaiting: metric({
    name: 'guestpass_queue_waiting',
    type: 'gauge',
    help: 'Events that wait for delivery, by queue, counted up to 10,000',
    unit: 'events',
    labels: ['connection', 'queue'],
  }),
  storeUp: metric({
    name: 'guestpass_store_up',
    type: 'gauge',
    help: 'Whether the store can be read: 1, else 0',
    unit: 'boolean',
    labels: ['connection'],
  }),
  storeRows: metric({
    name: 'guestpass_store_rows',
    type: 'gauge',
    help: 'Rows of the store, by kind, counted at most once a minute',
    unit: 'rows',
    labels: ['connection', 'kind'],
  }),
  storeOldest: metric({
    name: 'guestpass_store_oldest_row_timestamp_seconds',
    type: 'gauge',
    help: 'When the oldest row of a kind was written',
    unit: 'seconds since 1970',
    labels: ['connection', 'kind'],
  }),
  ready: metric({
    name: 'guestpass_ready',
    type: 'gauge',
    help: 'Whether this instance takes requests: 1, else 0',
    unit: 'boolean',
    labels: [],
  }),
} as const satisfies Readonly<Record<string, MetricEntry>>

/** The key of a metric in the catalogue. */
export type MetricName = keyof typeof metricCatalogue

/**
 * Writes docs/metrics.md from the catalogue of metrics.
 *
 * @example
 * ```ts
 * import { metricsPage } from '@guestpass/server'
 *
 * console.log(metricsPage().split('\n')[0])
 * ```
 */
export const metricsPage = (): string => `# Look up a metric

\`GET /metrics\` of [the service](service.md) gives these metrics in the text format of Prometheus. Each
instance has its own. Callers on the same machine need no key; others need one with the role \`metrics\`.

| metric | type | unit | labels | what |
|---|---|---|---|---|
${Object.values(metricCatalogue).map(row).join('\n')}

The labels \`operation\` are the counters and durations of the library: \`guest_token_issued\`,
\`guest_token_refreshed\`, \`guest_refresh_failed\`, \`guest_authenticated\`, \`access_token_renewed\` and others. A
counter that nothing has counted yet is absent.

This page is generated from the catalogue of metrics by \`npm run docs:pages\`.
`

const row = ({ name, type, unit, labels, help }: MetricEntry): string =>
  `| \`${name}\` | ${type} | ${unit} | ${labels.map((label) => `\`${label}\``).join(', ')} | ${help} |`
