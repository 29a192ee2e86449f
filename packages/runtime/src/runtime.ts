import {
  asGuestpassError,
  type AuditLog,
  auditLog,
  type Clock,
  type Connection,
  type ConnectionPorts,
  type Event,
  type Relay,
  relay,
  SECOND,
  webhookRoute,
  type Webhooks,
  webhooks,
} from '@guestpass/core'
import { guardedHttp, nodePorts } from '@guestpass/core/node'
import type { SealedStore } from '@guestpass/store/sqlite'
import { AUDIT_FILE, auditFileSink } from './audit-file.ts'
import type { Config } from './config/config.ts'
import { databasePath } from './database-path.ts'
import type { RuntimeHost } from './host.ts'
import { configuredKeyRing } from './key-ring.ts'
import { waitingForStore } from './unsaved.ts'
import { configuredEndpoints } from './webhook-endpoints.ts'

/** How long a program that ends waits for its own events to be delivered; the rest waits for the next one. */
const DRAIN = SECOND

/** The open store of a configuration, and everything that connections on it need. */
export interface Runtime {
  readonly store: SealedStore
  readonly ports: ConnectionPorts
  readonly webhooks: Webhooks
  readonly auditLog: AuditLog
  /** The connections that were opened on it. */
  readonly connections: Connection[]
  /** Takes a connection in: its keys are mirrored until `close`, where the program stays up. */
  add(connection: Connection): void
  /** Delivers events and signs checkpoints until the signal aborts; programs that end by themselves need not call it. */
  deliver(signal: AbortSignal): Promise<void>
  close(): Promise<void>
}

/** Of a program that stays up: it goes on asking a store that is busy or full, and mirrors keys in the background. */
export interface RuntimeOptions {
  readonly lasts?: boolean
}

/** Opens the store and everything that a connection needs of the world. */
export async function openRuntime(
  config: Config,
  host: RuntimeHost,
  { lasts = false }: RuntimeOptions = {},
): Promise<Runtime> {
  // Loaded here, so that what needs no store starts sooner.
  const { sqliteStore } = await import('@guestpass/store/sqlite')
  const { close, ...world } = nodePorts({ proxy: host.env })
  const guarded = guardedHttp()
  const { clock, random } = world
  const { connection: name, settings } = config
  const { auditFile } = settings
  const path = databasePath(config, host.cwd)
  const keyRing = await configuredKeyRing(settings, { path, random, host })
  const route = (event: Event): readonly string[] => [...(auditFile ? [AUDIT_FILE] : []), ...webhookRoute(event)]
  const store = await sqliteStore({ path, keyRing, clock, random, route })
  const audit = auditFile ? relay(store.outbox, auditFileSink(auditFile, host), { clock }) : undefined
  const hooks = webhooks(
    {
      connection: name,
      configured: await configuredEndpoints(config, { store, random }, host),
      actor: host.actor,
      ...(settings.clientId === undefined ? {} : { clientId: settings.clientId }),
    },
    { store, ...world, guardedHttp: guarded.http },
  )
  const log = auditLog(name, { store, clock })
  const deliveries = [hooks, ...(audit ? [audit] : [])]
  const connections: Connection[] = []
  const closing = new AbortController()
  const background: Promise<void>[] = []
  return {
    store,
    connections,
    add(connection) {
      connections.push(connection)
      if (lasts) background.push(connection.run(AbortSignal.any([host.signal, closing.signal])))
    },
    ports: { store, ...world, ...waitingForStore(path, host, lasts) },
    webhooks: hooks,
    auditLog: log,
    deliver: async (signal) => void (await Promise.all([...deliveries, log].map((one) => one.run(signal)))),
    async close() {
      closing.abort()
      await Promise.allSettled(background)
      if (!host.signal.aborted) await Promise.all(connections.map((one) => one.idle()))
      // What cannot be delivered now waits in the store for the next program.
      await drained(deliveries, clock).catch(() => {})
      // A program that was interrupted does not wait for requests under way.
      if (!host.signal.aborted) await Promise.all([close(), guarded.close()])
      await store.close()
    },
  }
}

/** Delivers what there is for up to a second. What was cut off is put back, for the next one to try at once. */
async function drained(deliveries: readonly Pick<Relay, 'drain'>[], clock: Clock): Promise<void> {
  const late = new AbortController()
  const ended = Promise.all(deliveries.map((one) => one.drain(late.signal)))
  await Promise.race([ended, clock.sleep(DRAIN, late.signal)]).finally(() => late.abort())
  await ended
}

/** Work that comes after a program's answer: a failure is a warning, and does not change the outcome. */
export async function afterwards(work: () => Promise<void>, host: Pick<RuntimeHost, 'warn'>): Promise<void> {
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
    await afterwards(() => runtime.close(), host)
  }
}
