import { Command, type CommanderError, Option } from 'commander'
import type { CommonFlags } from './cli.ts'
import { GuestpassError } from '@guestpass/core'
import { entries, flagOf, type Key, yesNo } from '@guestpass/runtime'
import type { Output } from './output.ts'
import { usageError } from './problem.ts'
import type { Verb } from './verb.ts'
import type { World } from './world.ts'

/** A verb that was asked for, with what was typed. */
export interface Asked {
  readonly verb: Verb
  readonly input: Readonly<Record<string, unknown>>
  readonly flags: CommonFlags
}

const settingFlags = entries.flatMap(([key, { kind, about }]) => {
  const flag = flagOf(key)
  if (!flag || key === 'databaseUrl') return []
  const option = (): Option => new Option(`${flag} ${kind === yesNo ? '[true|false]' : '<value>'}`, about)
  return [{ key, hidden: option().hideHelp(), shown: option() }]
})

/** Parses a command line. Undefined when it asked for help or the version, which were then printed. Throws `invalid_input`. */
export function parseCommand(
  verbs: readonly Verb[],
  groups: Readonly<Record<string, string>>,
  world: World,
  out: Output,
): Asked | undefined {
  let asked: Asked | undefined
  let current = 'guestpass'
  const quiet = (command: Command): Command =>
    command
      .exitOverride()
      .showSuggestionAfterError()
      .configureHelp({ showGlobalOptions: true })
      .configureOutput({
        writeOut: (text) => out.lines(text.replace(/\n$/, '').split('\n')),
        writeErr: () => undefined,
      })
      .hook('preSubcommand', (_, sub) => {
        current = `${current} ${sub.name()}`
      })
  const program = quiet(new Command('guestpass'))
    .description('Guest identity and token lifecycle for Genesys Cloud web messaging')
    .version(world.version)
    .option('--connection <name>', 'connection to use', 'default')
    .option(
      '--database <path|url>',
      'where everything is remembered (default: GUESTPASS_DATABASE_URL, else ./.guestpass/guestpass.db)',
    )
    .option('--json', 'one JSON document on standard output, a problem document on failure')
    .addHelpText('after', '\nExample:\n  guestpass sandbox > .env')
  const parents = new Map(
    Object.entries(groups).map(([name, about]) => [name, quiet(program.command(name)).description(about)]),
  )
  for (const verb of verbs) {
    const words = verb.name.split(' ')
    const parent = (words.length > 1 && parents.get(words[0] ?? '')) || program
    const command = quiet(parent.command(words.at(-1) ?? verb.name))
    describe(command, verb)
    command.action(() => {
      asked = request(verb, command)
    })
  }
  refuseOtherEncodings(world.argv)
  try {
    program.parse([...world.argv], { from: 'user' })
  } catch (thrown) {
    if (thrown instanceof GuestpassError) throw thrown
    const error = thrown as CommanderError
    if (error.exitCode === 0) return undefined
    throw usageError(unfinished(error, verbs, current), `${current} --help`)
  }
  return asked
}

const isSwitch = (option: string, name: string, verbs: readonly Verb[]): boolean =>
  option === '--json' || verbs.some((verb) => verb.name === name && verb.options?.some(([syntax]) => syntax === option))

/** Commander answers a missing verb with help; here it is a mistake like any other. A value for a switch it takes for another option. */
function unfinished(error: CommanderError, verbs: readonly Verb[], current: string): CommanderError {
  const group = current.split(' ').slice(1).join(' ')
  const names = verbs.map(({ name }) => name).filter((name) => name.startsWith(group))
  const [, option] = /'(--[\w-]+)=/.exec(error.message) ?? []
  if (error.code === 'commander.unknownOption' && option !== undefined && isSwitch(option, group, verbs))
    error.message = `option '${option}' takes no value\n(Write ${option} alone.)`
  if (error.code === 'commander.help') error.message = `a verb is missing\n(Known are ${names.join(', ')}.)`
  return error
}

function describe(command: Command, verb: Verb): void {
  command.description(`${verb.summary}.`)
  for (const [syntax, about] of verb.arguments ?? []) command.argument(syntax, about)
  for (const [syntax, about] of verb.options ?? []) command.option(syntax, about)
  if (verb.reveal) command.option('--reveal', 'show tokens in full')
  if (verb.raw) command.option('--raw', 'print the token alone and in full, for T=$(…)')
  const own = new Set(command.options.map((option) => option.long))
  for (const { key, hidden, shown } of settingFlags) {
    // `--scopes` beside a verb's own `--scope` would be taken for it.
    if (own.has(hidden.long) || own.has(hidden.long?.replace(/s$/, ''))) continue
    command.addOption(verb.settings?.includes(key) ? shown : hidden)
  }
  command.addHelpText(
    'after',
    `\nSettings can be given as flags, as --region mypurecloud.ie.\n\nExample:\n  ${verb.example}`,
  )
}

/** What is not UTF-8 on a command line arrives as U+FFFD, and would be sent as that. */
function refuseOtherEncodings(argv: readonly string[]): void {
  const at = argv.findIndex((one) => one.includes('\uFFFD'))
  if (at < 0) return
  const option = /^--[\w-]+/.exec(argv[at] ?? '') ?? /^--[\w-]+$/.exec(argv[at - 1] ?? '')
  const field = option?.[0] ?? 'arguments'
  const remedy = 'Use a terminal or script in UTF-8; `locale charmap` says which encoding is set.'
  throw new GuestpassError('invalid_input', `${field}: is not UTF-8.`, {
    fields: [{ field, message: 'is not UTF-8', remedy }],
  })
}

function bothForms(): GuestpassError {
  const message = 'stands beside --json'
  const fields = [{ field: '--raw', message, remedy: 'Give one of the two.' }]
  return new GuestpassError('invalid_input', `--raw ${message}.`, { fields })
}

const camel = (word: string): string => word.replaceAll(/-(.)/g, (_, letter: string) => letter.toUpperCase())

function request(verb: Verb, command: Command): Asked {
  const { connection, database, json, reveal, raw, ...typed } = command.optsWithGlobals<Record<string, unknown>>()
  const settingOf = (name: string): Key | undefined =>
    settingFlags.find(({ hidden, shown }) =>
      [hidden, shown].some((option) => option.attributeName() === name && command.options.includes(option)),
    )?.key
  const settings: Partial<Record<Key, string>> = {}
  const input: Record<string, unknown> = {}
  for (const [name, value] of Object.entries(typed)) {
    const key = settingOf(name)
    if (key) settings[key] = String(value)
    else input[name] = value
  }
  if (raw === true && json === true) throw bothForms()
  if (typeof database === 'string') settings.databaseUrl = database
  for (const [at, argument] of command.registeredArguments.entries()) {
    const value: unknown = command.processedArgs[at]
    if (value !== undefined) input[camel(argument.name())] = value
  }
  const flags: CommonFlags = {
    connection: String(connection),
    json: json === true,
    reveal: reveal === true,
    raw: raw === true,
    settings,
  }
  return { verb, input, flags }
}
