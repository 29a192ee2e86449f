import type { GuestpassError } from '@guestpass/core'
import { catalogue } from '@guestpass/core/runtime-kit'
import { asGuestpassError } from '@guestpass/core/store-kit'
import { type Surroundings, surroundings } from './cli.ts'
import { type Output, output } from './output.ts'
import { asTyped, errorLines, inputError } from './problem.ts'
import { type Asked, parseCommand } from './program.ts'
import { withRemedy } from './remedy.ts'
import type { ListedVerb } from './verb.ts'
import { Interruption, type World } from './world.ts'

/** One run of the command line. */
export interface Run {
  /** Runs it to its end and gives the exit code. Never rejects. */
  run(): Promise<number>
  /** Prints what went wrong, in the form that was asked for, and gives the exit code. */
  fail(thrown: unknown): number
}

export function frame(verbs: readonly ListedVerb[], groups: Readonly<Record<string, string>>, world: World): Run {
  let around: Surroundings | undefined
  const unheard = new AbortController()
  const out = output(world.stdout, 'Standard output', () => unheard.abort())
  const err = output(world.stderr, 'Standard error')
  const print = (to: Output, lines: readonly string[]): void =>
    to.lines(lines.map((line) => around?.scrub(line) ?? line))

  const fail = (thrown: unknown): number => {
    const reason: unknown = world.signal.reason
    if (reason instanceof Interruption) {
      print(err, [`guestpass: ${reason.message}`])
      return reason.exit
    }
    // It stopped because nobody reads what it prints; `settled` says whether that is a failure.
    if (unheard.signal.aborted && isAbort(thrown)) return 0
    const error = withRemedy(asGuestpassError(thrown), around?.connection)
    if (wantsJson(world.argv) && !around?.answered()) print(out, [JSON.stringify(error.toProblem())])
    else print(err, errorLines(error))
    if (isOn(world.env.GUESTPASS_DEBUG)) print(err, stackOf(error).split('\n'))
    return catalogue[error.code].exit
  }

  async function performed(): Promise<number> {
    try {
      const asked = await parseCommand({ groups, verbs, version: world.version }, world.argv, out)
      if (!asked) return 0
      const signal = AbortSignal.any([world.signal, unheard.signal])
      around = surroundings({ ...world, signal }, asked.flags, { out, err })
      return await perform(asked, around)
    } catch (thrown) {
      return fail(thrown)
    }
  }

  async function run(): Promise<number> {
    const code = await performed()
    const unwritten = await out.settled()
    if (unwritten) print(err, errorLines(unwritten))
    await err.settled()
    return unwritten ? catalogue[unwritten.code].exit : code
  }
  return { run, fail }
}

/** What work throws that was called off, and what a line says that could not be written: that is told once, at the end. */
const isAbort = (thrown: unknown): boolean => ['cancelled', 'output_failed'].includes(asGuestpassError(thrown).code)

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
