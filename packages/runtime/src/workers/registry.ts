import { auditLog, type Connection, keepAlive, keeper, type Store } from '@guestpass/core'
import type { Worker } from '@guestpass/core/runtime-kit'
import type { Runtime } from '../runtime.ts'

/** A connection with background workers. */
export interface WorkedConnection {
  readonly connection: Connection
  /**
   * Requests a minute that the upstream allows; it decides how many guests are claimed at a time. Default
   * 300.
   */
  readonly perMinute?: number
}

/** The parts of a runtime that workers use. */
export type WorkingRuntime = Pick<Runtime<Store>, 'connection' | 'store' | 'ports' | 'webhooks' | 'auditRelays'>

/** The workers of a connection, by name. To add one, add a line. */
const connectionWorkers = {
  renewal: ({ connection: { name, guests, meters }, perMinute = 300 }, { ports }) => {
    const renew = (row: string): Promise<void> => guests.keepRenewed(row, { actor: 'keeper' })
    return keeper({ connection: name, renew, meter: meters }, ports, { perMinute })
  },
  'sign-in': ({ connection: { grant } }, { ports }) => keepAlive(grant, ports),
  enrichment: ({ connection: { guests } }) => guests.enrichment,
  keys: ({ connection: { run } }) => ({ run }),
  'audit-checkpoints': ({ connection: { name } }, { store, ports: { clock } }) => auditLog(name, { store, clock }),
} as const satisfies Record<string, (of: WorkedConnection, runtime: WorkingRuntime) => Worker>

/**
 * The workers of a runtime as a whole, by name; undefined if the work is not configured. To add one, add a
 * line.
 */
const runtimeWorkers = {
  webhooks: ({ webhooks }) => webhooks,
  'audit-file': ({ auditRelays }) => auditRelays.file,
  'audit-listener': ({ auditRelays }) => auditRelays.listener,
} as const satisfies Record<string, (runtime: WorkingRuntime) => Worker | undefined>

/** The names of all workers. */
export type WorkerName = keyof typeof connectionWorkers | keyof typeof runtimeWorkers

/** A worker, its name, and its connection; a worker without a connection works for the whole store. */
export interface NamedWorker {
  readonly name: WorkerName
  readonly connection?: string
  readonly worker: Worker
}

const entriesOf = <K extends string, V>(of: Readonly<Record<K, V>>): readonly (readonly [K, V])[] =>
  Object.entries(of) as [K, V][]

export const workersOfConnection = (of: WorkedConnection, runtime: WorkingRuntime): readonly NamedWorker[] =>
  entriesOf(connectionWorkers).map(([name, make]) => ({
    name,
    connection: of.connection.name,
    worker: make(of, runtime),
  }))

export const workersOfRuntime = (runtime: WorkingRuntime): readonly NamedWorker[] =>
  entriesOf(runtimeWorkers).flatMap(([name, make]) => {
    const worker: Worker | undefined = make(runtime)
    const connection = name === 'audit-file' ? {} : { connection: runtime.connection }
    return worker ? [{ name, ...connection, worker }] : []
  })
