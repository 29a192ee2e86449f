import type { AddressInfo } from 'node:net'
import { type Clock, GuestpassError, Secret } from '@guestpass/core'
import { isLoopback } from '@guestpass/core/runtime-kit'
import { SECOND } from '@guestpass/core/store-kit'
import {
  type ApiKey,
  type ConfiguredKey,
  configuredKeys,
  endsWithin,
  type ReachableConfig,
  type RuntimeHost,
  type WorkerChange,
} from '@guestpass/runtime'
import { createApp } from './app.ts'
import { keyForThisRun } from './auth/configured-keys.ts'
import { createKeyRing } from './auth/key-ring.ts'
import { watchConfiguredKeys } from './auth/watched-keys.ts'
import { createQuotas } from './auth/quotas.ts'
import { closeConnection, type MakePorts, openConnection } from './connections/open-connections.ts'
import { type ServedConnection, type ServedConnections, servedConnections } from './connections/served-connection.ts'
import { createOpenStreams } from './events/open-streams.ts'
import { createHostCheck } from './http/host-check.ts'
import { createServiceLog, type ServiceLog } from './http/log.ts'
import { createMetrics } from './metrics/metrics.ts'
import { createReadiness } from './readiness.ts'
import type { App } from './routes/route-parts.ts'
import { createOneTimeCode } from './session/one-time-code.ts'
import { createOwnOrigin } from './session/own-origin.ts'
import { createSessions } from './session/sessions.ts'
import { createSignInLinks } from './sign-in/sign-in-links.ts'

/** What an instance of the service serves, and where. */
export interface ServiceOptions {
  /** The configurations of the connections to serve; the first one is that of the program too. */
  readonly configs: readonly [ReachableConfig, ...ReachableConfig[]]
  /** The environment of the program. Its `signal` ends the work of connections at once. */
  readonly host: Pick<RuntimeHost, 'env' | 'cwd' | 'signal'>
  /** The address to listen on. */
  readonly address: string
  /** The port to listen on, 0 to 65535; 0: any free one. */
  readonly port: number
  /** The version of the program. */
  readonly version: string
  /** Takes a line of the log: JSON and its line end, without secrets. */
  readonly log: (line: string) => void
  /**
   * Reads the API keys of the configuration again, every 5 seconds. Keys that are gone end, new ones open the service.
   * Default: they are those of the first configuration until the process ends.
   */
  readonly readApiKeys?: (() => Promise<readonly ApiKey[]>) | undefined
  /** Makes clock and HTTP of the connections. Default: those of Node. */
  readonly makePorts?: MakePorts
}

/** A running service. */
export interface Service {
  /** The address that it listens on, as `http://127.0.0.1:8080`. */
  readonly url: string
  /** The key for this run of each connection, if there is no other API key. */
  readonly runKeys: readonly { readonly connection: string; readonly key: Secret }[]
  /**
   * An address that gives a browser a session of an operator, once and within 10 minutes. Absent unless the service
   * listens on loopback without a proxy.
   */
  readonly signInUrl?: Secret
  /**
   * Stops without losing a request: says that it is not ready, answers on for the time of the configuration, ends
   * event streams, waits for requests and workers, and closes the stores. A second call waits for the first.
   */
  stop(): Promise<void>
}

/** A service that does not listen yet. */
export interface PreparedService extends Pick<Service, 'runKeys' | 'stop'> {
  /** The address that gives a browser a session, below that of the service. */
  readonly signInPath?: Secret | undefined
  readonly app: App
  readonly connections: ServedConnections
  /** Starts the workers, and listens. Resolves to the address. Rejects with the error of the system. */
  listen(): Promise<string>
}

/** How long requests may go on after the service closed its port. */
const REQUESTS_GRACE = 30 * SECOND

/**
 * Opens connections and makes the service. Rejects with `config_invalid`, also if there is no API key and the address
 * is not loopback, and with `store_…`.
 */
export async function prepareService(options: ServiceOptions): Promise<PreparedService> {
  const log = createServiceLog(options.log)
  const connections = await openConnections(options, log)
  try {
    return await serviceOn(connections, options, log)
  } catch (thrown) {
    await Promise.all(connections.all.map(closeConnection))
    throw thrown
  }
}

/**
 * Starts the service: the five jobs over HTTP, with the workers of its connections. Rejects as `prepareService`
 * does, and with the error of the system if it cannot listen.
 *
 * @example
 * ```ts
 * import { readConfig } from '@guestpass/runtime'
 * import { startService } from '@guestpass/server'
 *
 * const env = {
 *   GENESYS_REGION: 'mypurecloud.ie',
 *   GENESYS_CLIENT_ID: 'id',
 *   GENESYS_CLIENT_SECRET: 'secret',
 *   GUESTPASS_DATABASE_URL: 'memory:',
 * }
 * const config = await readConfig({ env, cwd: '.', needs: ['hosts', 'clientId'] })
 * const { signal } = new AbortController()
 * const host = { env, cwd: '.', signal }
 * const log = (line: string) => console.log(line)
 * const service = await startService({ configs: [config], host, address: '127.0.0.1', port: 0, version: '1.0.0', log })
 * console.log(service.url)
 * await service.stop()
 * ```
 */
export async function startService(options: ServiceOptions): Promise<Service> {
  const { listen, stop, runKeys, signInPath } = await prepareService(options)
  try {
    const url = await listen()
    return { url, runKeys, stop, ...(signInPath ? { signInUrl: new Secret(`${url}${signInPath.reveal()}`) } : {}) }
  } catch (thrown) {
    await stop()
    throw thrown
  }
}

async function openConnections(
  { configs, host, makePorts }: ServiceOptions,
  log: ServiceLog,
): Promise<ServedConnections> {
  const runtimeHost: RuntimeHost = { ...host, actor: 'service', note: log.note, warn: log.warn }
  const opened: ServedConnection[] = []
  try {
    // One after the other: the first one may make the database.
    for (const config of configs) opened.push(await openConnection(config, runtimeHost, makePorts))
  } catch (thrown) {
    await Promise.all(opened.map(closeConnection))
    throw thrown
  }
  const [first, ...others] = opened
  if (!first) throw new GuestpassError('internal', 'A service needs at least one connection.')
  return servedConnections(first, ...others)
}

async function serviceOn(
  connections: ServedConnections,
  options: ServiceOptions,
  log: ServiceLog,
): Promise<PreparedService> {
  const { address, version } = options
  const { settings } = connections.first.config
  const { clock } = connections.first.runtime.ports
  const { configured, runKeys } = await keysOf(connections, address, log)
  const streams = createOpenStreams()
  const readiness = createReadiness(connections)
  let url = ''
  const baseUrl = (): string => settings.publicUrl?.replace(/\/$/, '') ?? url
  const keys = createKeyRing(connections, configured)
  const watching = new AbortController()
  const code = isLoopback(address) && !settings.trustedProxies ? createOneTimeCode(clock) : undefined
  const app = await createApp({
    connections,
    keys,
    quotas: createQuotas(settings.apiKeyQuota, clock),
    sessions: createSessions({ connections, keys }),
    origin: createOwnOrigin(settings.publicUrl),
    code,
    streams,
    links: createSignInLinks(connections, baseUrl),
    metrics: createMetrics({ connections, streams, isReady: readiness.isOpen, clock }),
    readiness,
    hostCheck: createHostCheck(address, settings.publicUrl),
    log,
    clock,
    version,
    trustedProxies: settings.trustedProxies,
    corsOrigins: settings.corsOrigins,
  })
  const parts = { app, connections, readiness, streams, log }
  let stopping: Promise<void> | undefined
  return {
    app,
    connections,
    runKeys,
    signInPath: code && new Secret(`/session/${code.text}`),
    async listen() {
      await app.listen({ host: address, port: options.port })
      url = urlOf(app, address)
      startWorkers(connections, log)
      if (options.readApiKeys)
        void watchConfiguredKeys(options.readApiKeys, { keys, clock, log }, watching.signal).catch(() => {})
      readiness.started()
      return url
    },
    stop() {
      watching.abort()
      return (stopping ??= stopService(parts))
    },
  }
}

/** The keys that no store has. Rejects with `config_invalid` if the service would listen beyond loopback without any. */
async function keysOf(
  connections: ServedConnections,
  address: string,
  log: ServiceLog,
): Promise<{ readonly configured: readonly ConfiguredKey[]; readonly runKeys: PreparedService['runKeys'] }> {
  const configured = configuredKeys(connections.first.config.settings.apiKeys ?? [])
  for (const { connection } of configured.filter((one) => !connections.get(one.connection)))
    log.warn(`GUESTPASS_API_KEYS has a key for connection ${connection}, which is not served.`)
  const stored = await Promise.all(connections.all.map(({ keys }) => keys.list()))
  if (configured.length > 0 || stored.some((keys) => keys.length > 0)) return { configured, runKeys: [] }
  if (!isLoopback(address)) throw noKeys(address)
  const made = connections.all.map(({ name }) => keyForThisRun(name))
  return { configured: made, runKeys: made.map(({ connection, key }) => ({ connection, key })) }
}

function noKeys(address: string): GuestpassError {
  const message = `is not loopback (${address}), and there is no API key`
  const remedy =
    'Make a key with `guestpass api-keys create --role issuer --name NAME`, or set GUESTPASS_API_KEYS; or listen on 127.0.0.1.'
  return new GuestpassError('config_invalid', `The service did not start: --host ${message}. ${remedy}`, {
    fields: [{ field: '--host', message, remedy }],
  })
}

function startWorkers(connections: ServedConnections, log: ServiceLog): void {
  const onChange = ({ name, connection, state, error }: WorkerChange): void => {
    const of = connection === undefined ? {} : { connection }
    log.worker({ worker: name, ...of, state, ...(error ? { code: error.code, error: error.message } : {}) }, !!error)
  }
  for (const { background } of connections.all) background.start({ onChange })
}

function urlOf(app: App, address: string): string {
  const { port } = app.server.address() as AddressInfo
  const host = ['0.0.0.0', '::'].includes(address) ? 'localhost' : address
  return `http://${host.includes(':') ? `[${host}]` : host}:${port}`
}

interface RunningParts {
  readonly app: App
  readonly connections: ServedConnections
  readonly readiness: ReturnType<typeof createReadiness>
  readonly streams: ReturnType<typeof createOpenStreams>
  readonly log: ServiceLog
}

async function stopService({ app, connections, readiness, streams, log }: RunningParts): Promise<void> {
  const { config, runtime } = connections.first
  const { clock } = runtime.ports
  const wasOpen = readiness.isOpen()
  readiness.stopping()
  // Load balancers must notice before the port closes, or they send requests that meet none.
  if (wasOpen) await clock.sleep(config.settings.drainSeconds * SECOND)
  streams.endAll()
  await closeApp(app, clock, log)
  await Promise.all(connections.all.map(closeConnection))
}

/** How often connections are closed whose request has just ended. */
const IDLE_STEP = 50

/** Closes the port, and waits for requests that are under way, for at most 30 s. */
async function closeApp(app: App, clock: Clock, log: ServiceLog): Promise<void> {
  const closed = app.close()
  const until = clock.monotonic() + REQUESTS_GRACE
  while (!(await endsWithin(IDLE_STEP, closed, clock))) {
    // An answer whose head had left before the stop leaves its connection open.
    app.server.closeIdleConnections()
    if (clock.monotonic() < until) continue
    log.warn('Requests were still running 30 s after the port was closed. They are cut off.')
    app.server.closeAllConnections()
    break
  }
  await closed
}
