import { leaksIn } from './shapes.ts'

const findings: string[] = []

/** Records the secrets that an output has. `place`: where the output was, such as "standard error of guestpass token". */
export function watchOutput(place: string, text: string): void {
  for (const { kind, after } of leaksIn(text)) {
    findings.push(`${place} has ${kind} after ${JSON.stringify(after)}`)
  }
}

/** What was found since the last call. */
export const takeFindings = (): readonly string[] => findings.splice(0)

/** Commands that print a secret, or the data of a person, because it was asked for. */
const prints = (argv: readonly string[]): boolean =>
  argv.some((word) => ['--reveal', '--raw'].includes(word)) ||
  ['sandbox', 'demo', 'serve'].includes(argv[0] ?? '') ||
  (argv[0] === 'guest' && argv[1] === 'export') ||
  (argv[0] === 'api-keys' && ['create', 'rotate'].includes(argv[1] ?? ''))

/** An answer without `upstream`: the API's own answer about a guest that it made, which names the person. */
export function withoutUpstream(out: string): string {
  if (!out.startsWith('{"guestId"')) return out
  const { upstream: _named, ...rest } = JSON.parse(out) as Readonly<Record<string, unknown>>
  return JSON.stringify(rest)
}

/** Records the secrets in the output of a run of the command line. Standard output of a command that prints one on request is left out. */
export function watchCommand(
  argv: readonly string[],
  { out, err }: { readonly out: string; readonly err: string },
): void {
  const name = ['guestpass', ...argv.slice(0, 2)].join(' ')
  if (!prints(argv)) watchOutput(`standard output of ${name}`, withoutUpstream(out))
  watchOutput(`standard error of ${name}`, err)
}
