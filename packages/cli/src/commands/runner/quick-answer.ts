import type { CommandList } from './command-tree.ts'
import type { ListedCommand } from './command.ts'

const HELP: readonly string[] = ['--help', '-h', 'help']
const VERSION: readonly string[] = ['--version', '-V']

/** The commands that a command line may name: those whose words are all in it. */
export const commandsNamedIn = (
  argv: readonly string[],
  commands: readonly ListedCommand[],
): readonly ListedCommand[] => commands.filter(({ name }) => name.split(' ').every((word) => argv.includes(word)))

/**
 * Answers a command line that only asks for the version, or for the help of the program or of a group. Gives
 * undefined for any other. It loads no command and no library, so that the answer comes at once.
 */
export async function quickAnswer(list: CommandList, argv: readonly string[]): Promise<string | undefined> {
  const [first = '', ...rest] = argv
  if (rest.length === 0 && VERSION.includes(first)) return `${list.version}\n`
  const words = [...HELP, ...Object.keys(list.groups)]
  if (argv.length === 0 || !argv.every((word) => words.includes(word))) return undefined
  const { helpText } = await import('./command-tree.ts')
  return helpText(list, argv)
}
