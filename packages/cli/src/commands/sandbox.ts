import { nodeHttp } from '@guestpass/core/node'
import { isLoopback } from '@guestpass/core/runtime-kit'
import type { Sandbox, SandboxOptions } from '@guestpass/sandbox'
import * as z from 'zod'
import { warnOnFailure, dotenvLine, oneOf, whole } from '@guestpass/runtime'
import { type Cli, defineCommand, type ParameterHelp } from './runner/command.ts'
import { Interruption } from './runner/host-process.ts'
import { checkedEnvFile, envHeading, type SandboxProcess, writeEnvFile } from './sandbox-env-file.ts'
import { flagError, readLists } from './sandbox-files.ts'
import { listenError, placeOf } from '../listen-error.ts'

/** How long a process that has the port may take to say that it is a sandbox. */
const HEALTH_TIMEOUT_MS = 1_000

const flags: readonly ParameterHelp[] = [
  ['--port <n>', 'a port from 0 to 65535; 0: any free port (default: 0)'],
  ['--host <address>', 'an address of this machine (default: 127.0.0.1)'],
  [
    '--public-url <url>',
    'the address under which containers or other machines reach it, as http://sandbox:4000 (default: its own)',
  ],
  ['--env <file>', 'write the variables to this file; it never replaces a file that it did not write'],
  ['--rate-limit <n>', 'requests a minute for each access token (default: 300)'],
  ['--seed <n>', 'a whole number; with the same one, ids and secrets are the same'],
  [
    '--profile <name>',
    'a spent refresh token that comes again: strict ends the sign-in, grace answers as before (default: strict)',
  ],
  ['--guest-ids <form>', 'the ids that guests get: uuid (default), or text with characters that a path encodes'],
  ['--access-tokens <format>', 'jwt (default), at+jwt (RFC 9068), or opaque as on the public platform'],
  ['--auto-consent', 'allow sign-ins at once, without a consent page'],
  ['--users <file>', 'a JSON file of the users who can sign in, as [{"name": "Ada", "email": "…"}]'],
  ['--guests <file>', 'a JSON file of guests that exist from the start, as [{"email": "…"}]'],
  ['--faults <file>', 'a JSON file of faults to begin with, as [{"on": "mint", "do": {"status": 503}, "times": 2}]'],
]

export const sandboxCommand = defineCommand({
  example: 'guestpass sandbox --port 4000 --env .env',
  options: flags,
  input: z.object({
    port: whole(0, 65_535).optional(),
    host: z.string().trim().min(1, 'is empty').optional(),
    publicUrl: z.string().optional(),
    env: z.string().min(1, 'is empty').optional(),
    rateLimit: whole(1, 1_000_000).optional(),
    seed: whole(0, 2 ** 32 - 1).optional(),
    profile: oneOf('strict', 'grace').optional(),
    guestIds: oneOf('uuid', 'text').optional(),
    accessTokens: oneOf('jwt', 'at+jwt', 'opaque').optional(),
    autoConsent: z.literal(true).optional(),
    users: z.string().optional(),
    guests: z.string().optional(),
    faults: z.string().optional(),
  }),
  async run({ env, rateLimit, profile, accessTokens, users, guests, faults, ...given }, cli) {
    const { cwd } = cli.hostProcess
    const envFile = env === undefined ? undefined : await checkedEnvFile(env, cwd)
    // Asked before the start: the new sandbox may have the same port.
    const replaced = envFile?.writtenBy && (await isSandboxAt(envFile.writtenBy.url)) ? envFile.writtenBy : undefined
    const running = await start({
      ...given,
      accessTokenFormat: accessTokens,
      refreshProfile: profile,
      ...(rateLimit === undefined ? {} : { rateLimit: { perMinute: rateLimit } }),
      ...(await readLists({ users, guests, faults }, cwd)),
    })
    try {
      await announce(running, { host: given.host, envFile: envFile?.path, replaced }, cli)
      await cli.untilStopped()
      if (!cli.json) cli.note(endNote(cli.signal.reason))
    } finally {
      await warnOnFailure(() => running.close(), cli.runtimeHost)
    }
  },
})

async function start(options: SandboxOptions): Promise<Sandbox> {
  // Loaded here alone, so that other commands do not wait for it.
  const { sandbox, InvalidOptions } = await import('@guestpass/sandbox')
  return sandbox(options).catch(async (thrown: unknown) => {
    const error = thrown instanceof InvalidOptions ? flagError(thrown) : undefined
    throw error ?? (await startError(thrown, options))
  })
}

const endNote = (reason: unknown): string =>
  `The sandbox ended (${reason instanceof Interruption ? reason.by : 'nothing reads its output'}).`

interface Announced {
  readonly host: string | undefined
  readonly envFile: string | undefined
  /** The running sandbox whose file is replaced. */
  readonly replaced: SandboxProcess | undefined
}

async function announce(
  { url, env, controlToken }: Sandbox,
  { host, envFile, replaced }: Announced,
  cli: Cli,
): Promise<void> {
  const { pid } = cli.hostProcess
  const control = host === undefined || isLoopback(host) ? {} : { controlToken }
  const controlLines = control.controlToken
    ? [`Its control routes want the header x-sandbox-token: ${control.controlToken}`]
    : []
  const lines = [
    envHeading({ url, pid }),
    ...controlLines.map((line) => `# ${line}`),
    ...Object.entries(env).map(([name, value]) => dotenvLine(name, value)),
  ]
  if (envFile !== undefined) await writeEnvFile(envFile, lines, cli)
  cli.answer({ url, pid, env, ...control }, () =>
    envFile === undefined
      ? lines
      : [`A local Genesys Cloud at ${url}, process ${pid}. Its variables are in ${envFile}.`, ...controlLines],
  )
  if (replaced)
    cli.runtimeHost.warn(`the file replaces that of ${replaced.url}, process ${replaced.pid}, which still runs`)
  if (!cli.json) cli.note('The sandbox is up; Ctrl-C ends it.')
}

/** Why the sandbox did not start, with the flag that changes it. */
async function startError(thrown: unknown, { host = '127.0.0.1', port = 0 }: SandboxOptions): Promise<unknown> {
  const place = placeOf(host, port)
  const isTaken = (thrown as NodeJS.ErrnoException).code === 'EADDRINUSE'
  const taken =
    isTaken && (await isSandboxAt(`http://${place}`))
      ? 'a sandbox runs there already; use it, end it, or choose another --port'
      : 'it is taken; choose another --port, or none for any free one'
  return listenError(thrown, { what: 'The sandbox', place, taken })
}

/** Whether a sandbox answers at this base URL. */
async function isSandboxAt(baseUrl: string): Promise<boolean> {
  const { http, close } = nodeHttp({ proxy: false })
  const request = { method: 'GET', url: `${baseUrl}/__sandbox/health`, headers: {}, secrets: [] } as const
  const found = await http(request, AbortSignal.timeout(HEALTH_TIMEOUT_MS)).catch(() => undefined)
  await close()
  const text = new TextDecoder().decode(found?.bytes)
  // One that listens beyond loopback asks for its token.
  return found?.status === 401 ? text.includes('x-sandbox-token') : text.startsWith('{"status":"up"')
}
