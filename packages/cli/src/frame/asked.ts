import type { Listed } from './outline.ts'
import type { ListedVerb } from './verb.ts'

const HELP: readonly string[] = ['--help', '-h', 'help']
const VERSION: readonly string[] = ['--version', '-V']

/** The verbs that a command line may name: those whose words are all in it. */
export const verbsIn = (argv: readonly string[], verbs: readonly ListedVerb[]): readonly ListedVerb[] =>
  verbs.filter(({ name }) => name.split(' ').every((word) => argv.includes(word)))

/**
 * The text that answers a command line of nothing but a request for the version, or for the help of the program or of a group.
 * Undefined for any other. No verb is loaded for it, nor a library.
 */
export async function briefAnswer(listed: Listed, argv: readonly string[]): Promise<string | undefined> {
  const [first = '', ...rest] = argv
  if (rest.length === 0 && VERSION.includes(first)) return `${listed.version}\n`
  const words = [...HELP, ...Object.keys(listed.groups)]
  if (argv.length === 0 || !argv.every((word) => words.includes(word))) return undefined
  const { helpOf } = await import('./outline.ts')
  return helpOf(listed, argv)
}
