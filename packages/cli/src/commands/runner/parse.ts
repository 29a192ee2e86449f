import { type Command, type CommanderError, Option } from 'commander'
import { commandsNamedIn } from './quick-answer.ts'
import type { CommonFlags } from './session.ts'
import { GuestpassError } from '@guestpass/core'
import { settingEntries, flagName, type Key, yesNo } from '@guestpass/runtime'
import { type CommandList, markAsHavingOptions, createCommandTree } from './command-tree.ts'
import type { Output } from './output.ts'
import { usageError } from './errors.ts'
import type { ListedCommand, LoadedCommand, CommandDefinition, CommandListing } from './command.ts'

/** The command that a command line asks for, with what was typed. */
export interface CommandRequest {
  readonly command: LoadedCommand
  readonly input: Readonly<Record<string, unknown>>
  readonly flags: CommonFlags
}

const settingFlags = settingEntries.flatMap(([key, { kind, about }]) => {
  const flag = flagName(key)
  if (!flag || key === 'databaseUrl') return []
  // Beside the flag itself, its name says nothing.
  const help = about.replace(/; its flag is `[^`]+`/, '')
  const option = (): Option => new Option(`${flag} ${kind === yesNo ? '[true|false]' : '<value>'}`, help)
  return [{ key, hidden: option().hideHelp(), shown: option() }]
})

/**
 * Parses a command line, and loads the commands that it may name. Gives undefined when it asked for help or
 * the version, which were then printed. If it names no command, the command is `alone`. Rejects with
 * `invalid_input`.
 */
export async function parseCommand(
  list: CommandList<ListedCommand> & { readonly alone?: ListedCommand },
  argv: readonly string[],
  out: Output,
): Promise<CommandRequest | undefined> {
  let request: CommandRequest | undefined
  let path = 'guestpass'
  const { program, parsers } = createCommandTree(
    list,
    (text) => out.lines(text.replace(/\n$/, '').split('\n')),
    (name) => {
      path = `${path} ${name}`
    },
  )
  const loaded = await loadNamed(argv, list.commands)
  for (const [listed, parser] of parsers) {
    const command = loaded.get(listed)
    if (!command) {
      markAsHavingOptions(parser)
      continue
    }
    addOptions(parser, command)
    parser.action(() => {
      request = commandRequest(command, parser)
    })
  }
  refuseOtherEncodings(argv)
  try {
    program.parse([...argv], { from: 'user' })
  } catch (thrown) {
    if (thrown instanceof GuestpassError) throw thrown
    const error = thrown as CommanderError
    if (error.exitCode === 0) return undefined
    if (error.code === 'commander.help' && path === 'guestpass' && list.alone)
      return commandRequest({ ...list.alone, ...(await list.alone.load()) }, program)
    const known = { listed: list.commands, loaded: [...loaded.values()] }
    throw usageError(explainUsageError(error, known, path, argv), `${path} --help`)
  }
  return request
}

/** The commands that the command line may name, loaded. */
async function loadNamed(
  argv: readonly string[],
  listed: readonly ListedCommand[],
): Promise<ReadonlyMap<ListedCommand, LoadedCommand>> {
  const named = commandsNamedIn(argv, listed)
  return new Map(await Promise.all(named.map(async (one) => [one, { ...one, ...(await one.load()) }] as const)))
}

const isSwitch = (option: string, name: string, commands: readonly LoadedCommand[]): boolean =>
  option === '--json' ||
  commands.some(
    (command) => command.name === name && command.options?.some(([syntax]) => syntax.split(', ').includes(option)),
  )

const NO = /^(?:no|false|off|0)$/i
const YES_OR_NO = /^(?:yes|true|on|1|no|false|off|0)$/i

/** The switch of a command line that was given a value, as `--consent=yes` or `--consent yes`. */
function switchWithValue(
  argv: readonly string[],
  isSwitchHere: (option: string) => boolean,
): readonly [option: string, value: string] | undefined {
  for (const [at, word] of argv.entries()) {
    const [option = '', ...rest] = word.split('=')
    const next = argv[at + 1] ?? ''
    if (!isSwitchHere(option)) continue
    if (rest.length > 0) return [option, rest.join('=')]
    if (YES_OR_NO.test(next)) return [option, next]
  }
  return undefined
}

/**
 * Commander prints help where a command is missing, and takes the value of a switch for another option or an
 * argument. Here all are mistakes in the use of the command line.
 */
function explainUsageError(
  error: CommanderError,
  { listed, loaded }: { readonly listed: readonly CommandListing[]; readonly loaded: readonly LoadedCommand[] },
  path: string,
  argv: readonly string[],
): CommanderError {
  const group = path.split(' ').slice(1).join(' ')
  const names = listed.map(({ name }) => name).filter((name) => name.startsWith(group))
  const given = ['commander.unknownOption', 'commander.excessArguments'].includes(error.code)
    ? switchWithValue(argv, (option) => isSwitch(option, group, loaded))
    : undefined
  if (given) {
    const [option, value] = given
    error.message = `option '${option}' takes no value\n(${NO.test(value) ? `Leave ${option} out` : `Write ${option} alone`}.)`
  }
  if (error.code === 'commander.help') error.message = `a command is missing\n(Known are ${names.join(', ')}.)`
  return error
}

/** Adds the options of a command, and the flags of all settings. */
export function addOptions(parser: Command, command: CommandDefinition): void {
  for (const [syntax, about] of command.options ?? []) parser.option(syntax, about)
  if (command.reveal) parser.option('--reveal', 'show tokens in full')
  if (command.raw) parser.option('--raw', 'print only the token, in full, for T=$(…)')
  const own = new Set(parser.options.map((option) => option.long))
  for (const { key, hidden, shown } of settingFlags) {
    // `--scopes` would be taken for the command's own `--scope`.
    if (own.has(hidden.long) || own.has(hidden.long?.replace(/s$/, ''))) continue
    parser.addOption(command.settings?.includes(key) ? shown : hidden)
  }
  parser.addHelpText(
    'after',
    `\nSettings can be given as flags, as --region mypurecloud.ie.\n\nExample:\n  ${command.example}`,
  )
}

/** Node reads bytes that are not UTF-8 as U+FFFD, which would be sent as such. */
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

function rawBesideJson(): GuestpassError {
  const message = 'cannot be combined with --json'
  const fields = [{ field: '--raw', message, remedy: 'Give one of the two.' }]
  return new GuestpassError('invalid_input', `--raw ${message}.`, { fields })
}

const camelCase = (word: string): string => word.replaceAll(/-(.)/g, (_, letter: string) => letter.toUpperCase())

function commandRequest(command: LoadedCommand, parser: Command): CommandRequest {
  const {
    connection,
    database,
    json,
    color: _color,
    reveal,
    raw,
    ...typed
  } = parser.optsWithGlobals<Record<string, unknown>>()
  if (raw === true && json === true) throw rawBesideJson()
  const settings: Partial<Record<Key, string>> = {}
  const input: Record<string, unknown> = {}
  for (const [name, value] of Object.entries(typed)) {
    const key = settingOfFlag(name, parser)
    if (key) settings[key] = String(value)
    else input[name] = value
  }
  if (typeof database === 'string') settings.databaseUrl = database
  for (const [at, argument] of parser.registeredArguments.entries()) {
    const value: unknown = parser.processedArgs[at]
    if (value !== undefined) input[camelCase(argument.name())] = value
  }
  const flags: CommonFlags = {
    connection: String(connection),
    json: json === true,
    reveal: reveal === true,
    raw: raw === true,
    settings,
  }
  return { command, input, flags }
}

/** The setting that a flag of a command sets; undefined for an option of the command itself. */
const settingOfFlag = (name: string, { options }: Command): Key | undefined =>
  settingFlags.find(({ hidden, shown }) =>
    [hidden, shown].some((option) => option.attributeName() === name && options.includes(option)),
  )?.key
