import { type ErrorCode, GuestpassError, type Store } from '@guestpass/core'
import { asGuestpassError, SECOND } from '@guestpass/core/store-kit'
import type { OpenStore } from './open-store.ts'
import type { Runtime } from './runtime.ts'
import { endsWithin } from './time-limit.ts'
import type { WorkedConnection } from './workers/registry.ts'
import type { WorkerHealth } from './workers/running-worker.ts'
import { type RunningWorkers, startWorkers, type WorkersOptions } from './workers/start-workers.ts'

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

/** The background work of a connection in a program that stays up, and its health. */
export interface Background {
  /** Starts the workers. A second call, and one after `stop`, does nothing. */
  start(options?: WorkersOptions): void
  /** Gives the state of the store and of each worker. Never rejects. */
  health(): Promise<Health>
  /** Stops the workers, and resolves when they have ended their current work. Never rejects. */
  stop(): Promise<void>
}

/**
 * How long the store may take to answer. Calls wait longer for a database that is gone, but a load balancer must know
 * of it sooner than its probe times out.
 */
const STORE_LIMIT = SECOND

/** What the background work of a connection needs. */
export interface BackgroundParts {
  readonly runtime: Runtime<Store>
  readonly kept: WorkedConnection
  readonly opened: Pick<OpenStore, 'place' | 'checkStore'>
  /** Names settings in messages as the reader of the health knows them. */
  readonly translate: { text(message: string): string }
}

/**
 * Creates the background work of a connection. Nothing runs before `start`.
 *
 * @example
 * ```ts
 * import { nodePorts } from '@guestpass/core/node'
 * import {
 *   connect,
 *   createBackground,
 *   openSharedStore,
 *   readConfig,
 *   type RuntimeHost,
 *   runtimeOn,
 *   workedConnection,
 * } from '@guestpass/runtime'
 *
 * const env = {
 *   GENESYS_REGION: 'mypurecloud.ie',
 *   GENESYS_CLIENT_ID: 'id',
 *   GENESYS_CLIENT_SECRET: 'secret',
 *   GUESTPASS_DATABASE_URL: 'memory:',
 * }
 * const config = await readConfig({ env, cwd: '.', needs: ['hosts', 'clientId'] })
 * const { signal } = new AbortController()
 * const host: RuntimeHost = { env, cwd: '.', signal, actor: 'me', note: console.log, warn: console.log }
 * const opened = await openSharedStore(config, host, nodePorts())
 * const runtime = await runtimeOn(opened, config, host)
 * const kept = workedConnection(await connect(config, runtime), config.settings)
 * const background = createBackground({ runtime, kept, opened, translate: { text: (message) => message } })
 * console.log((await background.health()).status)
 * await background.stop()
 * await runtime.close()
 * ```
 */
export function createBackground({ runtime, kept, opened, translate }: BackgroundParts): Background {
  const { connection } = kept
  const { place } = opened
  const ending = new AbortController()
  let workers: RunningWorkers | undefined

  const explained = ({ lastError, ...health }: WorkerHealth): WorkerHealth =>
    lastError ? { ...health, lastError: { ...lastError, message: translate.text(lastError.message) } } : health

  async function storeHealth(): Promise<Pick<Health, 'store' | 'backlog'>> {
    try {
      const looks = Promise.all([opened.checkStore(), runtime.store.chainHead(connection.name)])
      if (!(await endsWithin(STORE_LIMIT, looks, runtime.ports.clock)))
        throw new GuestpassError('store_busy', 'The store did not answer within 1 s. It is tried again.')
      return { store: { place }, backlog: await runtime.backlog() }
    } catch (thrown) {
      const { code, message } = asGuestpassError(thrown)
      return { store: { place, error: { code, message: translate.text(message) } }, backlog: {} }
    }
  }

  return {
    start(options) {
      if (!ending.signal.aborted) workers ??= startWorkers(runtime, [kept], ending.signal, options)
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
