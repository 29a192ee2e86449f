import type { Command, Option } from 'commander'
import { guestApis } from '@guestpass/core'
import {
  authenticatingApis,
  currentStatuses,
  eventTypes,
  regionDomains,
  webhookEvents,
} from '@guestpass/core/runtime-kit'
import { createCommandTree } from '../commands/runner/command-tree.ts'
import { addOptions } from '../commands/runner/parse.ts'
import type { CommandListing, ListedCommand } from '../commands/runner/command.ts'

/** An option as a shell completes it. */
export interface CompletedOption {
  /** `--status`, and `-f` where it has a short form. */
  readonly names: readonly string[]
  readonly about: string
  /** What follows it: nothing, one of some words, a file, or a text that no shell knows. */
  readonly value: 'none' | 'file' | 'text' | readonly string[]
}

/** What a shell offers after some words: names of commands, options, and whether an argument is a file. */
export interface CompletedPlace {
  /** The words after `guestpass`, joined by blanks: '', `guest`, `guest list`. */
  readonly path: string
  /** Names of commands, and words that are arguments. */
  readonly commands: readonly { readonly name: string; readonly about: string }[]
  readonly options: readonly CompletedOption[]
  readonly takesFile: boolean
}

/** The commands of a program, and their groups. */
export interface CompletionParts {
  readonly groups: Readonly<Record<string, string>>
  readonly commands: readonly ListedCommand[]
}

/** Reads all commands, and gives every place of a command line with what can follow there. */
export async function completedPlaces({ groups, commands }: CompletionParts): Promise<readonly CompletedPlace[]> {
  const { program, parsers } = createCommandTree({ groups, commands, version: '' }, () => {})
  const options = program
    .createHelp()
    .visibleOptions(program)
    .map((one) => completedOption(one, ''))
  const ofProgram = { path: '', ...namesAfter('', groups, commands), options, takesFile: false }
  const ofGroups = Object.keys(groups).map((path) => ({
    path,
    ...namesAfter(path, {}, commands),
    options: [],
    takesFile: false,
  }))
  const ofCommands = await Promise.all([...parsers].map(placeOf))
  return [ofProgram, ...ofGroups, ...ofCommands]
}

function namesAfter(
  path: string,
  groups: CompletionParts['groups'],
  commands: readonly CommandListing[],
): Pick<CompletedPlace, 'commands'> {
  const prefix = path === '' ? '' : `${path} `
  const own = commands
    .filter(({ name }) => name.startsWith(prefix) && !name.slice(prefix.length).includes(' '))
    .map(({ name, summary }) => ({ name: name.slice(prefix.length), about: summary }))
  return { commands: [...own, ...Object.entries(groups).map(([name, about]) => ({ name, about }))] }
}

/** The parser has the options that help shows, with those of every command. */
async function placeOf([listed, parser]: readonly [ListedCommand, Command]): Promise<CompletedPlace> {
  addOptions(parser, await listed.load())
  const help = parser.createHelp()
  // Help hides flags of settings; those whose values are known are completed.
  const settings = parser.options.filter((one) => one.hidden && Array.isArray(valueOf(one.long ?? '', one.flags, '')))
  const options = [...help.visibleOptions(parser), ...settings, ...help.visibleGlobalOptions(parser)]
    // The version is that of the program.
    .filter(({ long }) => long !== '--version')
    .map((one) => completedOption(one, listed.name))
  const takesFile = (listed.arguments ?? []).some(([syntax]) => syntax.includes('file'))
  const words = (knownArguments[listed.name] ?? []).map((name) => ({ name, about: '' }))
  return { path: listed.name, commands: words, options, takesFile }
}

const completedOption = ({ short, long, flags, description }: Option, command: string): CompletedOption => ({
  names: [short, long].filter((name) => name !== undefined),
  about: description,
  value: valueOf(long ?? '', flags, command),
})

/** Words that options take, by the option; `command --option` where commands differ. */
const knownValues: Readonly<Record<string, readonly string[]>> = {
  '--api': guestApis,
  'guest invalidate --api': authenticatingApis.map(({ name }) => name),
  '--event': eventTypes,
  'webhooks add --event': webhookEvents,
  '--status': currentStatuses,
  '--format': ['ndjson', 'ocsf'],
  '--assurance': ['claimed', 'verified'],
  '--on-duplicate': ['reject', 'reuse', 'replace'],
  '--log': ['text', 'json'],
  '--region': regionDomains,
  '--profile': ['strict', 'grace'],
  '--guest-ids': ['uuid', 'text'],
  '--access-tokens': ['jwt', 'at+jwt', 'opaque'],
}

/** Words that are arguments of a command. */
const knownArguments: Readonly<Record<string, readonly string[]>> = { completion: ['bash', 'zsh', 'fish'] }

function valueOf(long: string, flags: string, command: string): CompletedOption['value'] {
  if (!/[<[]/.test(flags)) return 'none'
  if (/\bfile\b|<path/i.test(flags)) return 'file'
  return knownValues[`${command} ${long}`] ?? knownValues[long] ?? 'text'
}
