import { Command, Option } from 'commander'
import type { VerbListing } from './verb.ts'

/** What the help of a program lists: its groups, with what they are about, and its verbs. */
export interface Listed<Listing extends VerbListing = VerbListing> {
  readonly groups: Readonly<Record<string, string>>
  readonly verbs: readonly Listing[]
  readonly version: string
}

/** The program with all its verbs, and the command of each. Nothing of a verb is loaded for it. */
export interface Outline<Listing extends VerbListing> {
  readonly program: Command
  readonly commands: ReadonlyMap<Listing, Command>
}

/** `write` gets what the program prints: help, and the version. `entered` is called with each command on the way to the one asked for. */
export function outline<Listing extends VerbListing>(
  { groups, verbs, version }: Listed<Listing>,
  write: (text: string) => void,
  entered: (name: string) => void = () => undefined,
): Outline<Listing> {
  const quiet = (command: Command): Command =>
    command
      .exitOverride()
      .showSuggestionAfterError()
      .configureHelp({ showGlobalOptions: true })
      .configureOutput({ writeOut: write, writeErr: () => undefined })
      .hook('preSubcommand', (_, sub) => entered(sub.name()))
  const program = quiet(new Command('guestpass'))
    .description('Guest identity and token lifecycle for Genesys Cloud web messaging')
    .version(version)
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
  const commands = new Map<Listing, Command>()
  for (const verb of verbs) {
    const words = verb.name.split(' ')
    const parent = (words.length > 1 && parents.get(words[0] ?? '')) || program
    const command = quiet(parent.command(words.at(-1) ?? verb.name)).description(`${verb.summary}.`)
    for (const [syntax, about] of verb.arguments ?? []) command.argument(syntax, about)
    commands.set(verb, command)
  }
  return { program, commands }
}

/** Lets help say `[options]` of a verb that is not loaded. */
export function markOptions(command: Command): void {
  command.addOption(new Option('--setting <value>').hideHelp())
}

/** Parses a command line that asks for help or the version alone. Undefined when it does not. */
export function helpOf(listed: Listed, argv: readonly string[]): string | undefined {
  let text = ''
  const { program, commands } = outline(listed, (part) => (text += part))
  for (const command of commands.values()) markOptions(command)
  try {
    program.parse([...argv], { from: 'user' })
    return undefined
  } catch (thrown) {
    return (thrown as { exitCode?: number }).exitCode === 0 ? text : undefined
  }
}
