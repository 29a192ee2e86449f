import { isLoopback } from '@guestpass/core/runtime-kit'
import { type Millis, SECOND } from '@guestpass/core/store-kit'
import { type ReachableConfig, whole } from '@guestpass/runtime'
import type { Service, ServiceOptions } from '@guestpass/server'
import * as z from 'zod'
import { listenError, placeOf } from '../listen-error.ts'
import { type Cli, defineCommand } from './runner/command.ts'

const PORT = 8080
const HOST = '127.0.0.1'

const TAKEN = 'it is taken; choose another --port, or 0 for any free one'

/** More than a stop takes besides the time to drain: the process ends by itself. */
const STOP_GRACE: Millis = 60 * SECOND

export const serveCommand = defineCommand({
  example: 'guestpass serve --port 8080',
  options: [
    ['--port <n>', `a port from 0 to 65535; 0: any free port (default: ${PORT})`],
    ['--host <address>', `an address of this machine (default: ${HOST}); beyond loopback it needs an API key`],
  ],
  settings: ['publicUrl', 'trustedProxies', 'corsOrigins', 'apiKeyQuota', 'drainSeconds'],
  input: z.object({
    port: whole(0, 65_535).optional(),
    host: z.string().trim().min(1, 'is empty').optional(),
  }),
  async run({ port = PORT, host = HOST }, cli) {
    const configs = await servedConfigs(cli)
    const { hostProcess } = cli
    hostProcess.setGrace?.(configs[0].settings.drainSeconds * SECOND + STOP_GRACE)
    hostProcess.harden?.()
    const readers = { readApiKeys: keyReader(configs[0], cli), readConfigs: () => servedConfigs(cli) }
    const service = await started({ configs, port, address: host, ...readers }, cli)
    announce(service, host, cli)
    await cli.untilStopped()
    if (!cli.json)
      cli.note('Stopping: requests that are under way end first. A second signal ends the process at once.')
    await service.stop()
  },
})

/** Reads the keys again if they are in a file, which may change. */
const keyReader = ({ origins }: ReachableConfig, cli: Cli): ServiceOptions['readApiKeys'] =>
  origins.apiKeys?.name.endsWith('_FILE')
    ? async () => (await cli.config([], () => {})).settings.apiKeys ?? []
    : undefined

/** Connections that have an OAuth client of their own: all, unless --connection names one. */
async function servedConfigs(cli: Cli): Promise<ServiceOptions['configs']> {
  const { connections, hosts } = await cli.config()
  const others = connections.filter((name) => name !== 'default')
  if (cli.connection !== 'default' || others.length === 0) return [await cli.config(['hosts', 'clientId'])]
  const configs: ReachableConfig[] = []
  if (hosts) configs.push(await cli.config(['hosts', 'clientId']))
  for (const name of others) configs.push(await cli.configOf(name, ['hosts', 'clientId']))
  const [first, ...more] = configs
  return first ? [first, ...more] : [await cli.config(['hosts', 'clientId'])]
}

async function started(
  options: Pick<ServiceOptions, 'configs' | 'port' | 'address' | 'readApiKeys' | 'readConfigs'>,
  { hostProcess, note }: Cli,
): Promise<Service> {
  const { env, cwd, version } = hostProcess
  // Loaded here alone, so that other commands do not wait for it.
  const { startService } = await import('@guestpass/server')
  // Requests and workers end before the process does: only a second signal ends their work.
  const { signal } = new AbortController()
  const log = (line: string): void => note(line.trimEnd())
  return startService({ ...options, host: { env, cwd, signal }, version, log }).catch((thrown: unknown) => {
    throw listenError(thrown, { what: 'The service', place: placeOf(options.address, options.port), taken: TAKEN })
  })
}

function announce({ url, runKeys, signInUrl }: Service, host: string, cli: Cli): void {
  const { pid } = cli.hostProcess
  const keys = runKeys.map(({ connection, key }) => [connection, key.reveal()] as const)
  const [first] = keys
  const shown = {
    ...(first ? { apiKey: first[1] } : {}),
    ...(keys.length > 1 ? { apiKeys: Object.fromEntries(keys) } : {}),
  }
  const signIn = signInUrl?.reveal()
  cli.answer({ url, pid, ...shown, ...(signIn === undefined ? {} : { signInUrl: signIn }) }, () => [
    `The service is at ${url}, process ${pid}. Its routes: ${url}/docs`,
    ...(signIn === undefined ? [] : [`Sign a browser in, once and within 10 minutes: ${signIn}`]),
    ...keys.map(([connection, key]) => `API key for this run, connection ${connection}: ${key}`),
  ])
  if (cli.json) return
  if (first) cli.note('Make a key that lasts with `guestpass api-keys create`.')
  if (!isLoopback(host)) cli.note('It listens beyond loopback. Let a proxy end TLS before it.')
  cli.note('Ctrl-C ends it.')
}
