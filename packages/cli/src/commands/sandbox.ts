import { resolve } from 'node:path'
import { type Field, GuestpassError } from '@guestpass/core'
import { isLoopback } from '@guestpass/core/runtime-kit'
import type { Fault, Sandbox } from '@guestpass/sandbox'
import * as z from 'zod'
import { warnOnFailure, dotenvLine, jsonFault, oneOf, fileReadFault, readTextFile, whole } from '@guestpass/runtime'
import { type Cli, defineCommand } from './runner/command.ts'

export const sandboxCommand = defineCommand({
  example: 'guestpass sandbox --port 4000 > .env',
  options: [
    ['--port <n>', 'a port from 0 to 65535; 0: any free port (default: 0)'],
    ['--host <address>', 'an address of this machine (default: 127.0.0.1)'],
    ['--rate-limit <n>', 'requests a minute for each access token (default: 300)'],
    ['--seed <n>', 'a whole number; with the same one, ids and secrets are the same'],
    [
      '--profile <name>',
      'a spent refresh token that comes again: strict ends the sign-in, grace answers as before (default: strict)',
    ],
    ['--guest-ids <form>', 'the ids that guests get: uuid (default), or text with characters that a path encodes'],
    ['--access-tokens <format>', 'jwt (default), at+jwt (RFC 9068), or opaque as on the public platform'],
    ['--auto-consent', 'allow sign-ins at once, without a consent page'],
    ['--faults <file>', 'a JSON file of faults to begin with, as [{"on": "mint", "do": {"status": 503}, "times": 2}]'],
  ],
  input: z.object({
    port: whole(0, 65_535).optional(),
    host: z.string().trim().min(1, 'is empty').optional(),
    rateLimit: whole(1, 1_000_000).optional(),
    seed: whole(0, 2 ** 32 - 1).optional(),
    profile: oneOf('strict', 'grace').optional(),
    guestIds: oneOf('uuid', 'text').optional(),
    accessTokens: oneOf('jwt', 'at+jwt', 'opaque').optional(),
    autoConsent: z.literal(true).optional(),
    faults: z.string().optional(),
  }),
  async run({ port, host, rateLimit, seed, profile, guestIds, accessTokens, autoConsent, faults }, cli) {
    const options = {
      port,
      host,
      seed,
      guestIds,
      accessTokenFormat: accessTokens,
      autoConsent,
      refreshProfile: profile,
      ...(rateLimit === undefined ? {} : { rateLimit: { perMinute: rateLimit } }),
      ...(faults === undefined ? {} : { faults: await faultsIn(faults, cli.hostProcess.cwd) }),
    }
    // Loaded here alone, so that other commands do not wait for it.
    const { sandbox: start } = await import('@guestpass/sandbox')
    const running = await start(options).catch((thrown: unknown) => {
      throw startError(thrown, `${host ?? '127.0.0.1'}:${port ?? 0}`, faults)
    })
    try {
      announce(running, host, cli)
      await cli.untilStopped()
    } finally {
      await warnOnFailure(() => running.close(), cli.runtimeHost)
    }
  },
})

function announce({ url, env, controlToken }: Sandbox, host: string | undefined, cli: Cli): void {
  const { pid } = cli.hostProcess
  const control = host === undefined || isLoopback(host) ? {} : { controlToken }
  cli.answer({ url, pid, env, ...control }, () => [
    `# A local Genesys Cloud at ${url}, process ${pid}`,
    ...(control.controlToken ? [`# Its control routes want the header x-sandbox-token: ${control.controlToken}`] : []),
    ...Object.entries(env).map(([name, value]) => dotenvLine(name, value)),
  ])
  if (!cli.json) cli.note('The sandbox is up; Ctrl-C ends it.')
}

const faultFileError = (field: Omit<Field, 'field'>): GuestpassError =>
  new GuestpassError('invalid_input', 'The file of faults cannot be used.', {
    fields: [{ field: '--faults', ...field }],
  })

async function faultsIn(file: string, cwd: string): Promise<readonly Fault[]> {
  const text = await readTextFile(resolve(cwd, file)).catch((thrown: unknown) => {
    throw faultFileError(fileReadFault(thrown))
  })
  const at = jsonFault(text)
  if (at)
    throw faultFileError({ message: `is not JSON: line ${at.line}, column ${at.column}`, remedy: 'Correct it there.' })
  const content: unknown = JSON.parse(text)
  if (!Array.isArray(content)) {
    throw faultFileError({ message: 'does not hold a list', remedy: 'Write [{"on": "mint", "do": {"status": 503}}].' })
  }
  // The sandbox checks each of them.
  return content as readonly Fault[]
}

/** Why the sandbox did not start, in the words of the command line. */
function startError(thrown: unknown, place: string, faults: string | undefined): unknown {
  const { code, message } = thrown as NodeJS.ErrnoException
  if (thrown instanceof TypeError && faults !== undefined && message.startsWith('The faults')) {
    return faultFileError({ message, remedy: 'Correct it; see guestpass sandbox --help for the form.' })
  }
  const whys: Readonly<Record<string, string>> = {
    EADDRINUSE: 'it is taken; choose another --port, or none for any free one',
    EACCES: 'this user may not listen there; choose a --port from 1024',
    EADDRNOTAVAIL: 'the address is not of this machine; choose another --host',
    ENOTFOUND: 'the name is not known; choose another --host',
    EAI_AGAIN: 'the name cannot be resolved; choose another --host',
  }
  const why = code === undefined ? undefined : whys[code]
  return why
    ? new GuestpassError('port_unavailable', `The sandbox cannot listen on ${place}: ${why}.`, { cause: thrown })
    : thrown
}
