import { asGuestpassError, catalogue, type GuestpassError } from '@guestpass/core'
import { type Surroundings, surroundings } from './cli.ts'
import { asTyped, errorLines, inputError } from './problem.ts'
import { type Asked, parseCommand } from './program.ts'
import { withRemedy } from './remedy.ts'
import type { Verb } from './verb.ts'
import { Interruption, type World } from './world.ts'

/** One run of the command line. */
export interface Run {
  /** Runs it to its end and gives the exit code. Never rejects. */
  run(): Promise<number>
  /** Prints what went wrong, in the form that was asked for, and gives the exit code. */
  fail(thrown: unknown): number
}

export function frame(verbs: readonly Verb[], groups: Readonly<Record<string, string>>, world: World): Run {
  let around: Surroundings | undefined
  const fail = (thrown: unknown): number => {
    const reason: unknown = world.signal.reason
    if (reason instanceof Interruption) {
      world.stderr.write(`guestpass: ${reason.message}\n`)
      return reason.exit
    }
    const error = withRemedy(asGuestpassError(thrown), around?.connection)
    const scrub = (text: string): string => around?.scrub(text) ?? text
    if (wantsJson(world.argv) && !around?.answered())
      world.stdout.write(`${scrub(JSON.stringify(error.toProblem()))}\n`)
    else world.stderr.write(`${scrub(errorLines(error).join('\n'))}\n`)
    if (isOn(world.env.GUESTPASS_DEBUG)) world.stderr.write(`${scrub(stackOf(error))}\n`)
    return catalogue[error.code].exit
  }
  const run = async (): Promise<number> => {
    try {
      const asked = parseCommand(verbs, groups, world)
      if (!asked) return 0
      around = surroundings(world, asked.flags)
      return await perform(asked, around)
    } catch (thrown) {
      return fail(thrown)
    }
  }
  return { run, fail }
}

async function perform({ verb, input }: Asked, { cli }: Surroundings): Promise<number> {
  const described = [...(verb.arguments ?? []), ...(verb.options ?? [])]
  const parsed = verb.input.safeParse(input)
  if (!parsed.success) throw inputError(parsed.error, described)
  try {
    return (await verb.run(parsed.data, cli)) ?? 0
  } catch (thrown) {
    throw asTyped(thrown, described)
  }
}

/** Also true when the command line could not be parsed. */
function wantsJson(argv: readonly string[]): boolean {
  const end = argv.indexOf('--')
  return (end < 0 ? argv : argv.slice(0, end)).includes('--json')
}

const isOn = (value: string | undefined): boolean =>
  !['', '0', 'false', 'no', 'off'].includes(value?.trim().toLowerCase() ?? '')

function stackOf(error: GuestpassError): string {
  const cause = error.cause instanceof Error ? `\nCause: ${error.cause.stack}` : ''
  return `${error.stack}${cause}`
}
