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
import { type AuditRelays, auditRelays } from './audit-relays.ts'
import type { Config } from './config/config.ts'
import { deliverBeforeExit } from './final-delivery.ts'
import type { RuntimeHost } from './runtime-host.ts'
import { openFileStore, type OpenStore } from './open-store.ts'
import { createPromptDelivery } from './prompt-delivery.ts'
import { unsavedTokenHooks } from './unsaved-tokens.ts'
import { configuredEndpoints } from './webhook-endpoints.ts'

/** The open store of a configuration, and everything that connections on it need. */
export interface Runtime<S extends Store = SealedStore> {
  /** The name of the connection that it was configured for. */
  readonly connection: string
  readonly store: S
  readonly ports: ConnectionPorts
  readonly webhooks: Webhooks
  readonly auditLog: AuditLog
  /** What delivers audit records, where it is configured. Programs that stay up run it by `startWorkers`. */
  readonly auditRelays: AuditRelays
  /** The connections that were opened on it. */
  readonly connections: Connection[]
  /** Takes a connection in: `close` waits for its renewals. */
  add(connection: Connection): void
  /** How much waits for delivery, for each queue by its name. */
  backlog(): Promise<Readonly<Record<string, number>>>
  /** Delivers what there is, for up to a second; never rejects. `close` does it too. */
  drain(): Promise<void>
  close(): Promise<void>
}

export interface RuntimeOptions {
  /** Of a program that stays up: it goes on asking a store that is busy or full. */
  readonly staysUp?: boolean
  /**
   * Of a program that does not say how long it lasts: events are delivered soon after their commits, also where no workers are started,
   * and a store that is busy or full is asked as long as the process lives.
   */
  readonly promptDelivery?: boolean
  /** Gets every audit record of the connection at least once. */
  readonly audit?: AuditListener | undefined
}

/** Opens the store of a configuration and everything that a connection needs of the world. */
export async function openRuntime(config: Config, host: RuntimeHost, options: RuntimeOptions = {}): Promise<Runtime> {
  const ports = nodePorts({ proxy: host.env })
  return runtimeOn(await openFileStore(config, host, ports), config, host, options, ports)
}

/** The same on a store that is open; it is closed with the runtime, and where this rejects. */
export async function runtimeOn<S extends Store>(
  opened: OpenStore<S>,
  config: Config,
  host: RuntimeHost,
  options: RuntimeOptions = {},
  nodes: NodePorts = nodePorts({ proxy: host.env }),
): Promise<Runtime<S>> {
  try {
    return await createRuntime(opened, config, host, options, nodes)
  } catch (thrown) {
    await opened.close()
    throw thrown
  }
}

async function createRuntime<S extends Store>(
  opened: OpenStore<S>,
  config: Config,
  host: RuntimeHost,
  { staysUp: lasts = false, promptDelivery: prompt = false, audit }: RuntimeOptions,
  { close: closeHttp, ...world }: NodePorts,
): Promise<Runtime<S>> {
  const { store, place } = opened
  const { clock, random } = world
  const { connection: name, settings } = config
  const guarded = guardedHttp()
  const configured = await configuredEndpoints(config, { store, random }, host)
  // First, because it names the sinks of events: webhooks are refused where nothing would come to them.
  const audits = auditRelays(opened, config, host, clock, audit)
  const hooks = webhooks(
    {
      connection: name,
      configured,
      actor: host.actor,
      ...(settings.clientId === undefined ? {} : { clientId: settings.clientId }),
    },
    { store, ...world, guardedHttp: guarded.http },
  )
  const delivery = createPromptDelivery({ webhooks: hooks, relays: audits.relays }, opened)
  if (prompt) delivery.start()
  const connections: Connection[] = []
  const drain = (): Promise<void> => deliverBeforeExit(hooks, audits.relays, clock).catch(() => {})
  return {
    connection: name,
    drain,
    store,
    connections,
    add: (connection) => void connections.push(connection),
    ports: { store, ...world, ...unsavedTokenHooks(place, host, lasts || prompt) },
    webhooks: hooks,
    auditLog: auditLog(name, { store, clock }),
    auditRelays: audits.named,
    backlog: delivery.backlog,
    async close() {
      if (!host.signal.aborted) await Promise.all(connections.map((one) => one.idle()))
      // What cannot be delivered now waits in the store for the next program.
      await (prompt ? delivery.close().catch(() => {}) : drain())
      audits.leave()
      // A program that was interrupted does not wait for requests under way.
      if (!host.signal.aborted) await Promise.all([closeHttp(), guarded.close()])
      await opened.close()
    },
  }
}

/** Work that comes after a program's answer: a failure is a warning, and does not change the outcome. */
export async function warnOnFailure(work: () => Promise<void>, host: Pick<RuntimeHost, 'warn'>): Promise<void> {
  try {
    await work()
  } catch (thrown) {
    host.warn(asGuestpassError(thrown).message)
  }
}

/** Runs work on a runtime that is closed whatever happens. */
export async function withRuntime<T>(
  config: Config,
  host: RuntimeHost,
  work: (runtime: Runtime) => Promise<T>,
  options: RuntimeOptions = {},
): Promise<T> {
  const runtime = await openRuntime(config, host, options)
  try {
    return await work(runtime)
  } finally {
    await warnOnFailure(() => runtime.close(), host)
  }
}
