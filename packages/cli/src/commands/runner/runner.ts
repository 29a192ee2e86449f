import type { GuestpassError } from '@guestpass/core'
import { errorCatalogue } from '@guestpass/core/runtime-kit'
import { asGuestpassError } from '@guestpass/core/store-kit'
import { type CommandSession, createCommandSession } from './session.ts'
import { type Output, createOutput } from './output.ts'
import { withTypedNames, errorLines, inputError } from './errors.ts'
import { type CommandRequest, parseCommand } from './parse.ts'
import { withRemedy } from './remedies.ts'
import { isColoured } from './styled-line.ts'
import type { ListedCommand } from './command.ts'
import { Interruption, type HostProcess } from './host-process.ts'

/** Runs the command line of one process. */
interface CommandRunner {
  /** Runs the command to its end and gives the exit code. Never rejects. */
  run(): Promise<number>
  /** Prints an error as lines, or as a problem document with --json, and gives the exit code. */
  fail(thrown: unknown): number
}

/** @param alone what runs if the command line names no command. Default: that is a mistake */
export function createCommandRunner(
  commands: readonly ListedCommand[],
  groups: Readonly<Record<string, string>>,
  hostProcess: HostProcess,
  alone?: ListedCommand,
): CommandRunner {
  let session: CommandSession | undefined
  const outputClosed = new AbortController()
  const out = createOutput({
    sink: hostProcess.stdout,
    name: 'Standard output',
    isColoured: isColoured(hostProcess, hostProcess.stdout),
    onBroken: () => outputClosed.abort(),
  })
  const err = createOutput({ sink: hostProcess.stderr, name: 'Standard error', isColoured: false })
  const print = (to: Output, lines: readonly string[]): void =>
    to.lines(lines.map((line) => session?.redactSecrets(line) ?? line))

  const fail = (thrown: unknown): number => {
    const reason: unknown = hostProcess.signal.reason
    if (reason instanceof Interruption) {
      print(err, [`guestpass: ${reason.message}`])
      return reason.exit
    }
    // The reader of the output is gone. `run` reports that at the end, where it is a failure.
    if (outputClosed.signal.aborted && isAbort(thrown)) return 0
    const error = withRemedy(asGuestpassError(thrown), session?.connection, session?.contradictions)
    if (wantsJson(hostProcess.argv) && !session?.hasAnswered()) print(out, [JSON.stringify(error.toProblem())])
    else print(err, errorLines(error))
    if (isSwitchedOn(hostProcess.env.GUESTPASS_DEBUG)) print(err, stackOf(error).split('\n'))
    return errorCatalogue[error.code].exit
  }

  async function runCommandLine(): Promise<number> {
    try {
      const list = { groups, commands, version: hostProcess.version, ...(alone ? { alone } : {}) }
      const request = await parseCommand(list, hostProcess.argv, out)
      if (!request) return 0
      const signal = AbortSignal.any([hostProcess.signal, outputClosed.signal])
      session = createCommandSession({ ...hostProcess, signal }, request.flags, { out, err })
      return await runCommand(request, session)
    } catch (thrown) {
      return fail(thrown)
    }
  }

  async function run(): Promise<number> {
    const code = await runCommandLine()
    const unwritten = await out.settled()
    if (unwritten) print(err, errorLines(unwritten))
    await err.settled()
    return unwritten ? errorCatalogue[unwritten.code].exit : code
  }
  return { run, fail }
}

/**
 * Errors of work that was cancelled, and of a line that could not be written: `run` reports the second at the
 * end.
 */
const isAbort = (thrown: unknown): boolean => ['cancelled', 'output_failed'].includes(asGuestpassError(thrown).code)

async function runCommand({ command, input }: CommandRequest, { cli }: CommandSession): Promise<number> {
  const parameters = [...(command.arguments ?? []), ...(command.options ?? [])]
  const parsed = command.input.safeParse(input)
  if (!parsed.success) throw inputError(parsed.error, parameters, input)
  try {
    return (await command.run(parsed.data, cli)) ?? 0
  } catch (thrown) {
    throw withTypedNames(thrown, parameters)
  }
}

/** Whether --json is given, also in a command line that cannot be parsed. */
function wantsJson(argv: readonly string[]): boolean {
  const end = argv.indexOf('--')
  return (end < 0 ? argv : argv.slice(0, end)).includes('--json')
}

const isSwitchedOn = (value: string | undefined): boolean =>
  !['', '0', 'false', 'no', 'off'].includes(value?.trim().toLowerCase() ?? '')

function stackOf(error: GuestpassError): string {
  const cause = error.cause instanceof Error ? `\nCause: ${error.cause.stack}` : ''
  return `${error.stack}${cause}`
}
