import {
  type AuditLog,
  auditLog,
  type Connection,
  type ConnectionPorts,
  type Store,
  type Webhooks,
  webhooks,
} from '@guestpass/core'
import { asGuestpassError } from '@guestpass/core/store-kit'
import { guardedHttp, type NodePorts, nodePorts } from '@guestpass/core/node'
import type { SealedStore } from '@guestpass/store/sqlite'
import type { AuditListener } from './audit-listener.ts'
import { type AuditRelays, createAuditRelays } from './audit-relays.ts'
import type { Config } from './config/config.ts'
import type { EventObserver } from './observed-store.ts'
import { deliverBeforeExit } from './final-delivery.ts'
import type { RuntimeHost } from './runtime-host.ts'
import { openDurableStore, type OpenStore } from './open-store.ts'
import { createPromptDelivery } from './prompt-delivery.ts'
import { unsavedTokenHooks } from './unsaved-tokens.ts'
import { configuredEndpoints } from './webhook-endpoints.ts'

/** The open store of a configuration, and everything that its connections need. */
export interface Runtime<S extends Store = SealedStore> {
  /** The name of the configured connection. */
  readonly connection: string
  readonly store: S
  /** What `connection()` of the core library takes as its ports. */
  readonly ports: ConnectionPorts
  readonly webhooks: Webhooks
  readonly auditLog: AuditLog
  /**
   * The relays of audit records, if they are configured. A program that stays up runs them by `startWorkers`.
   */
  readonly auditRelays: AuditRelays
  /** The connections that were opened on it, in order. */
  readonly connections: Connection[]
  /** Adds a connection: `close` waits for its renewals. */
  add(connection: Connection): void
  /** Calls the observer with the events of each commit of this runtime's store. The result removes it. */
  observe(observer: EventObserver): () => void
  /** How many events wait for delivery, by the name of the queue; each counted up to 10,000. */
  backlog(): Promise<Readonly<Record<string, number>>>
  /** Delivers waiting events for up to a second. Never rejects. `close` does it too. */
  drain(): Promise<void>
  /**
   * Waits for renewals, delivers events for up to a second, then closes HTTP connections and the store. If the
   * signal of the host has aborted, it waits neither for renewals nor for requests.
   */
  close(): Promise<void>
}

/** How long the program of a runtime runs, and who takes its audit records. */
export interface RuntimeOptions {
  /**
   * The program runs until it is stopped: new tokens wait as long as the process for a store that is busy or
   * full. Default false: 60 s.
   */
  readonly staysUp?: boolean
  /**
   * The program may end at any time: events are delivered soon after their commits, also if no workers are
   * started, and new tokens wait as long as the process for a store that is busy or full. Default false.
   */
  readonly promptDelivery?: boolean
  /** Takes every audit record of the connection at least once. Default: none. */
  readonly audit?: AuditListener | undefined
}

/**
 * Opens the store of a configuration, and what connections need besides: clock, HTTP, webhooks, audit log.
 * A database file and its key are made if they are missing. Rejects with `config_invalid` if the database is a
 * store in memory or the key is that of another server, and with `store_…` if it cannot be opened.
 *
 * @example
 * ```ts
 * import { openRuntime, readConfig, type RuntimeHost } from '@guestpass/runtime'
 *
 * const { signal } = new AbortController()
 * const host: RuntimeHost = { env: {}, cwd: '.', signal, actor: 'me', note: console.log, warn: console.log }
 * const runtime = await openRuntime(await readConfig(host), host)
 * console.log(await runtime.auditLog.verify())
 * await runtime.close()
 * ```
 */
export async function openRuntime(config: Config, host: RuntimeHost, options: RuntimeOptions = {}): Promise<Runtime> {
  const ports = nodePorts({ proxy: host.env })
  return runtimeOn(await openDurableStore(config, host, ports), config, host, options, ports)
}

/**
 * Opens a runtime on a store that is already open. The store is closed with the runtime, also if this
 * rejects. Rejects with `config_invalid` for webhook endpoints that cannot be used.
 *
 * @param opened the store, from `openSharedStore` or `openMemoryStore`
 * @param ports clock, HTTP and crypto, closed with the runtime. Default: `nodePorts` with the proxy of the host
 *
 * @example
 * ```ts
 * import { nodePorts } from '@guestpass/core/node'
 * import { openMemoryStore, readConfig, type RuntimeHost, runtimeOn } from '@guestpass/runtime'
 *
 * const { signal } = new AbortController()
 * const host: RuntimeHost = { env: {}, cwd: '.', signal, actor: 'me', note: console.log, warn: console.log }
 * const runtime = await runtimeOn(openMemoryStore(nodePorts()), await readConfig(host), host)
 * console.log(await runtime.backlog())
 * await runtime.close()
 * ```
 */
export async function runtimeOn<S extends Store>(
  opened: OpenStore<S>,
  config: Config,
  host: RuntimeHost,
  options: RuntimeOptions = {},
  ports: NodePorts = nodePorts({ proxy: host.env }),
): Promise<Runtime<S>> {
  try {
    return await createRuntime(opened, config, host, options, ports)
  } catch (thrown) {
    await opened.close()
    throw thrown
  }
}

async function createRuntime<S extends Store>(
  opened: OpenStore<S>,
  config: Config,
  host: RuntimeHost,
  { staysUp = false, promptDelivery = false, audit }: RuntimeOptions,
  { close: closeHttp, ...ports }: NodePorts,
): Promise<Runtime<S>> {
  const { store, place } = opened
  const { clock, random } = ports
  const { connection: name, settings } = config
  const guarded = guardedHttp()
  const configured = await configuredEndpoints(config, { store, random }, host)
  // This adds a route to the store. It comes first, because webhooks() refuses a store without a route to its queues.
  const audits = createAuditRelays(opened, config, host, clock, audit)
  const connectionWebhooks = webhooks(
    {
      connection: name,
      configured,
      actor: host.actor,
      ...(settings.clientId === undefined ? {} : { clientId: settings.clientId }),
    },
    { store, ...ports, guardedHttp: guarded.http },
  )
  const delivery = createPromptDelivery({ webhooks: connectionWebhooks, relays: audits.relays }, opened)
  if (promptDelivery) delivery.start()
  const connections: Connection[] = []
  const drain = (): Promise<void> => deliverBeforeExit(connectionWebhooks, audits.relays, clock).catch(() => {})
  return {
    connection: name,
    drain,
    store,
    connections,
    add: (connection) => void connections.push(connection),
    ports: { store, ...ports, ...unsavedTokenHooks(place, host, staysUp || promptDelivery) },
    webhooks: connectionWebhooks,
    auditLog: auditLog(name, { store, clock }),
    auditRelays: audits.named,
    observe: opened.observe,
    backlog: delivery.backlog,
    async close() {
      if (!host.signal.aborted) await Promise.all(connections.map((one) => one.idle()))
      // Events that cannot be delivered now wait in the store for the next program.
      await (promptDelivery ? delivery.close().catch(() => {}) : drain())
      audits.close()
      // A program that was interrupted does not wait for its requests.
      if (!host.signal.aborted) await Promise.all([closeHttp(), guarded.close()])
      await opened.close()
    },
  }
}

/**
 * Runs work whose failure must not change the result of the program, as closing. If it rejects, the message is
 * printed as a warning. Never rejects.
 */
export async function warnOnFailure(work: () => Promise<void>, host: Pick<RuntimeHost, 'warn'>): Promise<void> {
  try {
    await work()
  } catch (thrown) {
    host.warn(asGuestpassError(thrown).message)
  }
}

/**
 * Runs work on a runtime, and closes the runtime afterwards, also if the work rejects. Rejects as
 * `openRuntime` and the work do.
 */
export async function withRuntime<T>(
  config: Config,
  host: RuntimeHost,
  work: (runtime: Runtime) => Promise<T>,
  options: RuntimeOptions = {},
): Promise<T> {
  return withOpenRuntime(await openRuntime(config, host, options), host, work)
}

/** Runs work on an open runtime, and closes the runtime afterwards, also if the work rejects. */
export async function withOpenRuntime<T>(
  runtime: Runtime,
  host: Pick<RuntimeHost, 'warn'>,
  work: (runtime: Runtime) => Promise<T>,
): Promise<T> {
  try {
    return await work(runtime)
  } finally {
    await warnOnFailure(() => runtime.close(), host)
  }
}
