import { Command, Option } from 'commander'
import type { CommandListing } from './command.ts'

/** What the help of the program lists: groups, each with a description, and commands. */
export interface CommandList<Listing extends CommandListing = CommandListing> {
  readonly groups: Readonly<Record<string, string>>
  readonly commands: readonly Listing[]
  readonly version: string
}

/** The parser of the program, and the parser of each command. The commands themselves are not loaded. */
interface CommandTree<Listing extends CommandListing> {
  readonly program: Command
  readonly parsers: ReadonlyMap<Listing, Command>
}

/**
 * Creates the parsers of a list of commands. `write` takes what the program prints: help, and the version.
 * `onEntered` is called with the name of each group and command on the way to the one that was asked for.
 */
export function createCommandTree<Listing extends CommandListing>(
  { groups, commands, version }: CommandList<Listing>,
  write: (text: string) => void,
  onEntered: (name: string) => void = () => undefined,
): CommandTree<Listing> {
  /** Commander then throws where it would end the process, and prints through `write`. */
  const configured = (parser: Command): Command =>
    parser
      .exitOverride()
      .showSuggestionAfterError()
      .configureHelp({ showGlobalOptions: true })
      .configureOutput({ writeOut: write, writeErr: () => undefined })
      .hook('preSubcommand', (_, sub) => onEntered(sub.name()))
  const program = addGlobalOptions(configured(new Command('guestpass')), version)
  const parents = new Map(
    Object.entries(groups).map(([name, about]) => [name, configured(program.command(name)).description(about)]),
  )
  const parsers = new Map<Listing, Command>()
  for (const command of commands) {
    const words = command.name.split(' ')
    const parent = (words.length > 1 && parents.get(words[0] ?? '')) || program
    const parser = configured(parent.command(words.at(-1) ?? command.name)).description(`${command.summary}.`)
    for (const [syntax, about] of command.arguments ?? []) parser.argument(syntax, about)
    parsers.set(command, parser)
  }
  return { program, parsers }
}

const addGlobalOptions = (program: Command, version: string): Command =>
  program
    .description('Guest identity and token lifecycle for Genesys Cloud web messaging')
    .version(version)
    .option('--connection <name>', 'connection to use', 'default')
    .option(
      '--database <path|url>',
      'database to use (default: GUESTPASS_DATABASE_URL, else ./.guestpass/guestpass.db)',
    )
    .option('--json', 'one JSON document on standard output, a problem document on failure')
    .option('--no-color', 'print without colour; NO_COLOR=1 does so for all commands')
    .addHelpText('after', '\nExample:\n  guestpass sandbox --env .env')

/** Makes help print `[options]` for a command that is not loaded. */
export function markAsHavingOptions(parser: Command): void {
  parser.addOption(new Option('--setting <value>').hideHelp())
}

/** The help or the version that a command line asks for. Gives undefined when it asks for neither. */
export function helpText(list: CommandList, argv: readonly string[]): string | undefined {
  let text = ''
  const { program, parsers } = createCommandTree(list, (part) => (text += part))
  for (const parser of parsers.values()) markAsHavingOptions(parser)
  try {
    program.parse([...argv], { from: 'user' })
    return undefined
  } catch (thrown) {
    return (thrown as { exitCode?: number }).exitCode === 0 ? text : undefined
  }
}
