import { type Command, type CommanderError, Option } from 'commander'
import { verbsIn } from './asked.ts'
import type { CommonFlags } from './cli.ts'
import { GuestpassError } from '@guestpass/core'
import { entries, flagOf, type Key, yesNo } from '@guestpass/runtime'
import { type Listed, markOptions, outline } from './outline.ts'
import type { Output } from './output.ts'
import { usageError } from './problem.ts'
import type { ListedVerb, LoadedVerb, Verb, VerbListing } from './verb.ts'

/** A verb that was asked for, with what was typed. */
export interface Asked {
  readonly verb: LoadedVerb
  readonly input: Readonly<Record<string, unknown>>
  readonly flags: CommonFlags
}

const settingFlags = entries.flatMap(([key, { kind, about }]) => {
  const flag = flagOf(key)
  if (!flag || key === 'databaseUrl') return []
  const option = (): Option => new Option(`${flag} ${kind === yesNo ? '[true|false]' : '<value>'}`, about)
  return [{ key, hidden: option().hideHelp(), shown: option() }]
})

/** Parses a command line. Undefined when it asked for help or the version, which were then printed. Rejects with `invalid_input`. */
export async function parseCommand(
  listed: Listed<ListedVerb>,
  argv: readonly string[],
  out: Output,
): Promise<Asked | undefined> {
  let asked: Asked | undefined
  let current = 'guestpass'
  const { program, commands } = outline(
    listed,
    (text) => out.lines(text.replace(/\n$/, '').split('\n')),
    (name) => {
      current = `${current} ${name}`
    },
  )
  const loaded = await Promise.all(verbsIn(argv, listed.verbs).map(async (one) => ({ one, loads: await one.load() })))
  const verbs = new Map(loaded.map(({ one, loads }) => [one, { ...one, ...loads }]))
  for (const [one, command] of commands) {
    const verb = verbs.get(one)
    if (!verb) {
      markOptions(command)
      continue
    }
    describe(command, verb)
    command.action(() => {
      asked = request(verb, command)
    })
  }
  refuseOtherEncodings(argv)
  try {
    program.parse([...argv], { from: 'user' })
  } catch (thrown) {
    if (thrown instanceof GuestpassError) throw thrown
    const error = thrown as CommanderError
    if (error.exitCode === 0) return undefined
    throw usageError(unfinished(error, listed.verbs, [...verbs.values()], current), `${current} --help`)
  }
  return asked
}

const isSwitch = (option: string, name: string, verbs: readonly LoadedVerb[]): boolean =>
  option === '--json' || verbs.some((verb) => verb.name === name && verb.options?.some(([syntax]) => syntax === option))

/** Commander answers a missing verb with help; here it is a mistake like any other. A value for a switch it takes for another option. */
function unfinished(
  error: CommanderError,
  listed: readonly VerbListing[],
  verbs: readonly LoadedVerb[],
  current: string,
): CommanderError {
  const group = current.split(' ').slice(1).join(' ')
  const names = listed.map(({ name }) => name).filter((name) => name.startsWith(group))
  const [, option] = /'(--[\w-]+)=/.exec(error.message) ?? []
  if (error.code === 'commander.unknownOption' && option !== undefined && isSwitch(option, group, verbs))
    error.message = `option '${option}' takes no value\n(Write ${option} alone.)`
  if (error.code === 'commander.help') error.message = `a verb is missing\n(Known are ${names.join(', ')}.)`
  return error
}

function describe(command: Command, verb: Verb): void {
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

function request(verb: LoadedVerb, command: Command): Asked {
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
