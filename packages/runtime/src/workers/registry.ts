import { auditLog, type Connection, keepAlive, keeper, type Store } from '@guestpass/core'
import { retention, type RetentionOptions, rollUps, type Worker } from '@guestpass/core/runtime-kit'
import { DAY, type Millis } from '@guestpass/core/store-kit'
import type { Settings } from '../config/settings.ts'
import type { Runtime } from '../runtime.ts'

/** A connection with background workers. */
export interface WorkedConnection {
  readonly connection: Connection
  /**
   * Requests a minute that the upstream allows, more than 0. It decides how many guests the worker `renewal`
   * claims at a time. Default 300.
   */
  readonly perMinute?: number
  /** What the worker `retention` removes by age. Default: audit records of 400 days, guests 30 days after their end. */
  readonly retention?: RetentionOptions
}

/** Gives a connection with what the settings say of its workers. */
export function workedConnection(
  connection: Connection,
  settings: Pick<Settings, 'rateLimit' | 'retentionDays' | 'endedGuestDays'>,
): WorkedConnection {
  const { rateLimit, retentionDays, endedGuestDays } = settings
  const age = (days: number): Millis | undefined => (days === 0 ? undefined : days * DAY)
  const ages = { eventsMs: age(retentionDays), endedGuestsMs: age(endedGuestDays) }
  return { connection, perMinute: rateLimit, retention: ages }
}

const DEFAULT_RETENTION: RetentionOptions = { eventsMs: 400 * DAY, endedGuestsMs: 30 * DAY }

/** The parts of a `Runtime` that workers use. */
export type WorkingRuntime = Pick<Runtime<Store>, 'connection' | 'store' | 'ports' | 'webhooks' | 'auditRelays'>

/**
 * The names of all workers. `renewal`: of guest tokens. `sign-in`: renewal of the user's sign-in.
 * `enrichment`: attributes of guests from the CRM. `keys`: the mirror of the key-set. `audit-checkpoints`:
 * signed checkpoints of the audit log. `roll-ups`: sums of events for reports.
 * `retention`: removal of old records and ended guests. `webhooks`: delivery to endpoints. `audit-file` and `audit-listener`:
 * delivery of audit records.
 */
export type WorkerName =
  | 'renewal'
  | 'sign-in'
  | 'enrichment'
  | 'keys'
  | 'audit-checkpoints'
  | 'roll-ups'
  | 'retention'
  | 'webhooks'
  | 'audit-file'
  | 'audit-listener'

type MakeWorker = (of: WorkedConnection, runtime: WorkingRuntime) => Worker
type FindWorker = (runtime: WorkingRuntime) => Worker | undefined

/** The workers of a connection, by name. To add one, add a line. */
const connectionWorkers: Readonly<Partial<Record<WorkerName, MakeWorker>>> = {
  renewal: ({ connection: { name, guests, meters }, perMinute }, { ports }) => {
    const renew = (row: string): Promise<void> => guests.keepRenewed(row, { actor: 'keeper' })
    return keeper({ connection: name, renew, meter: meters }, ports, perMinute === undefined ? {} : { perMinute })
  },
  'sign-in': ({ connection: { grant } }, { ports }) => keepAlive(grant, ports),
  enrichment: ({ connection: { guests } }) => guests.enrichment,
  keys: ({ connection: { run } }) => ({ run }),
  'audit-checkpoints': ({ connection: { name } }, { store, ports: { clock } }) => auditLog(name, { store, clock }),
  'roll-ups': ({ connection: { name } }, { store, ports: { clock } }) => rollUps(name, { store, clock }),
  retention: ({ connection: { name }, retention: ages = DEFAULT_RETENTION }, { store, ports: { clock, random } }) =>
    retention(name, { store, clock, random }, ages),
}

/**
 * The workers of a runtime as a whole, by name; undefined if the work is not configured. To add one, add a
 * line.
 */
const runtimeWorkers: Readonly<Partial<Record<WorkerName, FindWorker>>> = {
  webhooks: ({ webhooks }) => webhooks,
  'audit-file': ({ auditRelays }) => auditRelays.file,
  'audit-listener': ({ auditRelays }) => auditRelays.listener,
}

/** A worker, its name, and its connection; a worker without a connection works for the whole store. */
export interface NamedWorker {
  readonly name: WorkerName
  readonly connection?: string
  readonly worker: Worker
}

const entriesOf = <V>(of: Readonly<Partial<Record<WorkerName, V>>>): readonly (readonly [WorkerName, V])[] =>
  Object.entries(of) as [WorkerName, V][]

/** Makes the workers of a connection. */
export const workersOfConnection = (of: WorkedConnection, runtime: WorkingRuntime): readonly NamedWorker[] =>
  entriesOf(connectionWorkers).map(([name, make]) => ({
    name,
    connection: of.connection.name,
    worker: make(of, runtime),
  }))

/** Makes the workers of a runtime as a whole, as far as their work is configured. */
export const workersOfRuntime = (runtime: WorkingRuntime): readonly NamedWorker[] =>
  entriesOf(runtimeWorkers).flatMap(([name, make]) => {
    const worker: Worker | undefined = make(runtime)
    const connection = name === 'audit-file' ? {} : { connection: runtime.connection }
    return worker ? [{ name, ...connection, worker }] : []
  })
