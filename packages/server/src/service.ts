import type { AddressInfo } from 'node:net'
import { Secret } from '@guestpass/core'
import { isLoopback } from '@guestpass/core/runtime-kit'
import { type ApiKey, type ReachableConfig, type RuntimeHost, type WorkerChange } from '@guestpass/runtime'
import { createApp } from './app.ts'
import { keysAtStart } from './auth/keys-at-start.ts'
import { createKeyRing, type KeyRing } from './auth/key-ring.ts'
import { watchConfiguredKeys } from './auth/watched-keys.ts'
import { createQuotas } from './auth/quotas.ts'
import { closeConnection, type MakePorts, openConnections } from './connections/open-connections.ts'
import { reopenConnection } from './connections/reopen-connection.ts'
import type { ServedConnection, ServedConnections } from './connections/served-connection.ts'
import { watchSecrets } from './connections/watched-secrets.ts'
import { createOpenStreams } from './events/open-streams.ts'
import { createHostCheck } from './http/host-check.ts'
import { createServiceLog, type ServiceLog } from './http/log.ts'
import { createMetrics } from './metrics/metrics.ts'
import { createReadiness } from './readiness.ts'
import type { App } from './routes/route-parts.ts'
import { createOneTimeCode } from './session/one-time-code.ts'
import { createOwnOrigin } from './session/own-origin.ts'
import { createSessions } from './session/sessions.ts'
import { type RunningParts, stopService } from './stop-service.ts'
import { createTrackedWork } from './tracked-work.ts'
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
  /**
   * Reads the configurations again, every 5 seconds, if settings of them are in files. A connection of which a secret
   * in a file has changed is opened anew; the former one ends with its last request. Default: they stay until the
   * process ends.
   */
  readonly readConfigs?: (() => Promise<readonly ReachableConfig[]>) | undefined
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

/**
 * Opens connections and makes the service. Rejects with `config_invalid`, also if there is no API key and the address
 * is not loopback, and with `store_…`.
 */
export async function prepareService(options: ServiceOptions): Promise<PreparedService> {
  const log = createServiceLog(options.log)
  const connections = await openConnections(options, runtimeHostOf(options, log))
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

const runtimeHostOf = ({ host }: ServiceOptions, log: ServiceLog): RuntimeHost => ({
  ...host,
  actor: 'service',
  note: log.note,
  warn: log.warn,
})

async function serviceOn(
  connections: ServedConnections,
  options: ServiceOptions,
  log: ServiceLog,
): Promise<PreparedService> {
  const { address, version } = options
  const { settings } = connections.first.config
  const { clock } = connections.first.runtime.ports
  const { configured, runKeys } = await keysAtStart(connections, address, log)
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
  const work = createTrackedWork(log)
  const parts: RunningParts = { app, connections, readiness, streams, log, work }
  let stopping: Promise<void> | undefined
  return {
    app,
    connections,
    runKeys,
    signInPath: code && new Secret(`/session/${code.text}`),
    async listen() {
      await app.listen({ host: address, port: options.port })
      url = urlOf(app, address)
      for (const one of connections.all) startWorker(one, log)
      watchFiles(options, { ...parts, keys, log }, watching.signal)
      readiness.started()
      return url
    },
    stop() {
      watching.abort()
      return (stopping ??= stopService(parts))
    },
  }
}

/** Reads the files of secrets again, until the signal aborts. */
function watchFiles(
  options: ServiceOptions,
  parts: RunningParts & { readonly keys: KeyRing; readonly log: ServiceLog },
  signal: AbortSignal,
): void {
  const { configs, readApiKeys, readConfigs, makePorts } = options
  const { keys, log, work, connections } = parts
  const { clock } = connections.first.runtime.ports
  if (readApiKeys) work.add(watchConfiguredKeys(readApiKeys, { keys, clock, log }, signal))
  if (!readConfigs) return
  const start = (one: ServedConnection): void => startWorker(one, log)
  const reopening = { ...parts, host: runtimeHostOf(options, log), makePorts, start, track: work.add }
  const reopen = (config: ReachableConfig): Promise<void> => reopenConnection(config, reopening)
  work.add(watchSecrets(configs, readConfigs, { reopen, clock, log }, signal))
}

function startWorker({ background }: ServedConnection, log: ServiceLog): void {
  const onChange = ({ name, connection, state, error }: WorkerChange): void => {
    const of = connection === undefined ? {} : { connection }
    log.worker({ worker: name, ...of, state, ...(error ? { code: error.code, error: error.message } : {}) }, !!error)
  }
  background.start({ onChange })
}

function urlOf(app: App, address: string): string {
  const { port } = app.server.address() as AddressInfo
  const host = ['0.0.0.0', '::'].includes(address) ? 'localhost' : address
  return `http://${host.includes(':') ? `[${host}]` : host}:${port}`
}
