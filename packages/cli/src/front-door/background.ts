import type { ErrorCode, Store } from '@guestpass/core'
import { asGuestpassError } from '@guestpass/core/store-kit'
import type { ErrorTranslator } from './errors.ts'
import {
  type OpenStore,
  type Runtime,
  type RunningWorkers,
  startWorkers,
  type WorkedConnection,
  type WorkerHealth,
} from '@guestpass/runtime'

/** The health of a connection, as JSON without secrets. */
export interface Health {
  /**
   * `degraded`: a worker or the store is failing, and is tried again. `stopped`: the connection was closed.
   */
  readonly status: 'ok' | 'degraded' | 'stopped'
  readonly connection: string
  readonly store: {
    /** The path of the database, or `memory`. */
    readonly place: string
    /** Absent while the store can be read. */
    readonly error?: { readonly code: ErrorCode; readonly message: string }
  }
  /** The workers that `start()` started, each with its state, last success, last error and backlog. */
  readonly workers: readonly WorkerHealth[]
  /** How many events wait for delivery, by the name of the queue; each counted up to 10,000. */
  readonly backlog: Readonly<Record<string, number>>
}

/** The background work of a front door, and its health. */
export interface Background {
  start(): void
  health(): Promise<Health>
  stop(): Promise<void>
}

interface BackgroundParts {
  readonly runtime: Runtime<Store>
  readonly kept: WorkedConnection
  readonly opened: Pick<OpenStore, 'place' | 'checkStoreFile'>
  readonly translate: Pick<ErrorTranslator, 'text'>
}

export function createBackground({ runtime, kept, opened, translate }: BackgroundParts): Background {
  const { connection } = kept
  const { place } = opened
  const ending = new AbortController()
  let workers: RunningWorkers | undefined

  const explained = ({ lastError, ...health }: WorkerHealth): WorkerHealth =>
    lastError ? { ...health, lastError: { ...lastError, message: translate.text(lastError.message) } } : health

  async function storeHealth(): Promise<Pick<Health, 'store' | 'backlog'>> {
    try {
      await opened.checkStoreFile()
      await runtime.store.chainHead(connection.name)
      return { store: { place }, backlog: await runtime.backlog() }
    } catch (thrown) {
      const { code, message } = asGuestpassError(thrown)
      return { store: { place, error: { code, message: translate.text(message) } }, backlog: {} }
    }
  }

  return {
    start() {
      if (!ending.signal.aborted) workers ??= startWorkers(runtime, [kept], ending.signal)
    },
    async health() {
      const all = ((await workers?.health()) ?? []).map(explained)
      const { name } = connection
      if (ending.signal.aborted)
        return { status: 'stopped', connection: name, store: { place }, workers: all, backlog: {} }
      const found = await storeHealth()
      const isFailing = found.store.error !== undefined || all.some(({ state }) => state === 'failing')
      return { status: isFailing ? 'degraded' : 'ok', connection: name, ...found, workers: all }
    },
    async stop() {
      ending.abort()
      await workers?.stopped
    },
  }
}
