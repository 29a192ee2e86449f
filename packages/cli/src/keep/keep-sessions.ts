import { type Connection, type ErrorCode, GuestpassError } from '@guestpass/core'
import { iso, type Meters, repeatUntilAborted } from '@guestpass/core/runtime-kit'
import { asGuestpassError, type Millis, MINUTE, SECOND } from '@guestpass/core/store-kit'
import {
  connect,
  type ReachableConfig,
  type Runtime,
  type RunningWorkers,
  startWorkers,
  workedConnection,
  type WorkerChange,
  type WorkerHealth,
} from '@guestpass/runtime'
import { withRemedy } from '../commands/runner/remedies.ts'
import { createServerClock } from '../doctor/server-clock.ts'
import { createClockWatch } from './clock-watch.ts'
import { configurationEntries } from './configuration-entries.ts'
import { type ConnectionWatch, createConnectionWatch } from './connection-watch.ts'
import { createGuestWatch } from './guest-watch.ts'
import { counted } from '../counted.ts'
import type { KeepEntry, KeepLog } from './keep-log.ts'
import { openStatusFile, type StatusFile, statusHead } from './status-file.ts'
import { createBacklogWatch, createStoreWatch, type StoreWatch } from './store-watch.ts'
import { createUpstreamWatch, type UpstreamWatch } from './upstream-watch.ts'

/** How often states are looked at that no call reports, and the status file is written. */
const LOOK: Millis = 5 * SECOND
const SUMMARY: Millis = 5 * MINUTE

/** What keeps the sessions of one connection, and who learns of it. */
export interface KeepOptions {
  readonly config: ReachableConfig
  readonly runtime: Runtime
  readonly log: KeepLog
  /** The database file, if there is one. */
  readonly path?: string
  readonly statusFile?: string
  readonly pid: number
  readonly version: string
  /** Called with each summary but the last one. */
  readonly onSummary?: (summary: KeepSummary) => void
}

/** What was done since the start, and what waits. */
export interface KeepSummary {
  readonly refreshed: number
  readonly minted: number
  readonly failed: number
  readonly latenessMs: { readonly p50: number; readonly p99: number }
  readonly sessionsDue: number
  readonly deliveriesWaiting: number
  /** The workers whose last pass failed. */
  readonly failing: readonly WorkerHealth['name'][]
}

interface KeepParts extends KeepOptions {
  readonly startedAt: number
  readonly connection: Connection
  readonly workers: RunningWorkers
  readonly upstream: UpstreamWatch
  readonly lookAtClock: () => void
  readonly connectionWatch: ConnectionWatch
  readonly storeWatch: StoreWatch
  readonly file: StatusFile | undefined
}

/** Keeps sessions until the signal aborts. Resolves to the last summary, when all workers have ended. */
export async function keepSessions(options: KeepOptions, signal: AbortSignal): Promise<KeepSummary> {
  const { config, runtime, log, statusFile, pid } = options
  const { clock, store } = runtime.ports
  const startedAt = clock.wall()
  const starting = { ...headOf({ ...options, startedAt }), state: 'starting', workers: [] }
  const file = statusFile === undefined ? undefined : await openStatusFile(statusFile, starting, pid, log)
  const server = createServerClock(runtime.ports)
  const upstream = createUpstreamWatch({ http: server.http, clock, log, signal })
  const ports = { ...runtime.ports, http: upstream.http }
  const connection = await connect(config, { ...runtime, ports })
  const name = config.connection
  const guests = createGuestWatch({ store, connection: name, clock, log })
  const stopObserving = runtime.observe(guests.observe)
  const said = <E extends NonNullable<WorkerChange['error']>>(error: E): E => explained(error, name)
  const onChange = (change: WorkerChange): void => {
    if (change.state !== 'stopped')
      log(workerEntry({ ...change, ...(change.error ? { error: said(change.error) } : {}) }))
  }
  const kept = workedConnection(connection, config.settings)
  const workers = startWorkers(runtime, [kept], signal, { onChange })
  for (const entry of configurationEntries(config)) log(entry)
  log({ event: 'started', message: `Keeping the sessions of connection ${name}; Ctrl-C ends it.`, facts: { pid } })
  const watches = {
    upstream,
    lookAtClock: createClockWatch({ server, oauth: config.hosts.oauth, log }),
    connectionWatch: createConnectionWatch({ store, connection: name, clock, log }),
    storeWatch: createStoreWatch({ connection: name, webhooks: runtime.webhooks, path: options.path, log }),
  }
  const parts: KeepParts = { ...options, startedAt, connection, workers, ...watches, file }
  await lookUntilAborted(parts, guests.look, signal)
  await workers.stopped
  stopObserving()
  await runtime.drain()
  const health = await workers.health()
  await file?.write(statusOf(parts, 'stopped', health))
  log({ event: 'stopped', message: 'Stopped: all work that was under way has ended.' })
  return summaryOf(connection.meters, health)
}

/** Looks at all states every few seconds, and writes the status file. */
async function lookUntilAborted(
  parts: KeepParts,
  lookAtGuests: () => Promise<void>,
  signal: AbortSignal,
): Promise<void> {
  const { runtime, config, workers, upstream, lookAtClock, connectionWatch, storeWatch, file, log, onSummary } = parts
  const { clock } = runtime.ports
  const lookAtBacklog = createBacklogWatch(config.settings.rateLimit, { connection: config.connection, log })
  let nextSummary = clock.monotonic() + SUMMARY
  async function look(): Promise<Millis> {
    upstream.look()
    lookAtClock()
    // A store that cannot be read is reported by the workers.
    await Promise.allSettled([connectionWatch.look(), storeWatch.look(), lookAtGuests()])
    const health = await workers.health()
    lookAtBacklog(health)
    void file?.write(statusOf(parts, 'running', health))
    if (clock.monotonic() >= nextSummary && !signal.aborted) {
      nextSummary += SUMMARY
      const summary = summaryOf(parts.connection.meters, health)
      log(summaryEntry(summary))
      onSummary?.(summary)
    }
    return LOOK
  }
  await repeatUntilAborted(look, { clock, signal })
}

/** What came of a pass, with settings as the command line names them. */
function explained<E extends { readonly code: ErrorCode; readonly message: string }>(error: E, connection: string): E {
  const { message } = withRemedy(new GuestpassError(error.code, error.message), connection)
  // The settings of a process are read once.
  const restart = error.code === 'client_rejected' ? ' Then restart this process.' : ''
  return { ...error, message: `${message}${restart}` }
}

type WorkerName = Pick<WorkerChange, 'name' | 'connection'>

const workerText = ({ name, connection }: WorkerName): string =>
  connection === undefined ? `Worker ${name}` : `Worker ${name} of connection ${connection}`

function workerEntry({ name, connection, state, error }: WorkerChange): KeepEntry {
  const worker = workerText({ name, ...(connection === undefined ? {} : { connection }) })
  const facts = { worker: name, code: error?.code, error: error?.message }
  if (state === 'recovered') return { event: 'worker_recovered', message: `${worker} works again.`, facts }
  const message = `${worker} fails: ${error?.message ?? ''} [${error?.code ?? 'internal'}] It is tried again.`
  return { event: 'worker_failing', level: 'error', message, facts }
}

const summaryOf = (meters: Meters, health: readonly WorkerHealth[]): KeepSummary => {
  const late = meters.timed('renewal_lateness')
  return {
    refreshed: meters.counted('guest_token_refreshed'),
    minted: meters.counted('guest_token_issued'),
    failed: meters.counted('guest_refresh_failed') + meters.counted('guest_token_failed'),
    latenessMs: { p50: Math.round(late.quantile(0.5)), p99: Math.round(late.quantile(0.99)) },
    sessionsDue: backlogOf(health, 'renewal'),
    deliveriesWaiting: backlogOf(health, 'webhooks', 'audit-file'),
    failing: health.filter(({ state }) => state === 'failing').map(({ name }) => name),
  }
}

const backlogOf = (health: readonly WorkerHealth[], ...names: readonly WorkerHealth['name'][]): number =>
  health.filter(({ name }) => names.includes(name)).reduce((sum, { backlog = 0 }) => sum + backlog, 0)

/** The summary as lines for people: what was done, and what waits. */
export const summaryLines = (summary: KeepSummary): readonly [string, string] => {
  const { refreshed, minted, failed, latenessMs, sessionsDue, deliveriesWaiting } = summary
  return [
    `Refreshed ${refreshed}, minted anew ${minted}, failed ${failed}; late by ${latenessMs.p50} ms (p50), ${latenessMs.p99} ms (p99).`,
    `Left in the store: ${counted(sessionsDue, 'session')} due, ${counted(deliveriesWaiting, 'delivery', 'deliveries')} waiting.`,
  ]
}

function summaryEntry(summary: KeepSummary): KeepEntry {
  const { failing } = summary
  const workers = failing.length === 0 ? 'All workers work.' : `Workers that fail: ${failing.join(', ')}.`
  const message = `Since the start: ${summaryLines(summary).join(' ')} ${workers}`
  return { event: 'summary', message, facts: { ...summary } }
}

const headOf = ({ version, pid, startedAt, config, runtime }: Omit<KeepOptions, 'log'> & { startedAt: number }) =>
  statusHead({ version, pid, connection: config.connection, startedAt, now: runtime.ports.clock.wall() })

/** The document of the status file. */
function statusOf(parts: KeepParts, state: 'running' | 'stopped', health: readonly WorkerHealth[]) {
  const { connection, upstream, connectionWatch, storeWatch } = parts
  const view = connectionWatch.status()
  return {
    ...headOf(parts),
    state,
    workers: health.map(({ lastError, ...one }) =>
      lastError ? { ...one, lastError: explained(lastError, parts.config.connection) } : one,
    ),
    upstream: upstream.status(),
    accessToken: {
      grant: view?.grant ?? 'none',
      status: view?.status ?? 'unused',
      ...(view?.expiresAt === undefined ? {} : { expiresAt: iso(view.expiresAt) }),
    },
    webhooks: storeWatch.endpoints(),
    disk: storeWatch.disk(),
    summary: summaryOf(connection.meters, health),
  }
}

/** The entry of an error that ended the work. */
export function failedEntry(thrown: unknown): KeepEntry {
  const { code, message, fields } = asGuestpassError(thrown)
  const faults = fields?.map(({ field, message: fault, remedy }) => ({ field, message: fault, remedy }))
  return { event: 'failed', level: 'error', message, facts: { code, fields: faults } }
}
