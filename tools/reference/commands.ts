import { linesOf } from './markdown.ts'

/** A command that a page shows. */
interface ShownCommand {
  /** The page and the line: `docs/keys.md:12`. */
  readonly where: string
  readonly program: 'guestpass' | 'npm run'
  /** What follows, without quotes. */
  readonly words: readonly string[]
}

/** What commands there are. */
export interface Commands {
  /** Verbs of `guestpass` with their flags: `guest issue`. */
  readonly verbs: ReadonlyMap<string, ReadonlySet<string>>
  /** Groups of verbs: `guest`. */
  readonly groups: readonly string[]
  /** Scripts of the package.json, with the text of the file that each runs. */
  readonly scripts: ReadonlyMap<string, string>
}

/** A command at the begin of a line, after another or in `$(…)`. */
const COMMAND = /(?<=^|[|(;&]\s*)(?:npx )?(guestpass|npm run) ((?:"[^"]*"|'[^']*'|\$(?!\()|[^|;&)#<>`'"$\n])*)/g
/** Text that a chain of the audit log begins with. */
const CHAIN_TEXT = /^guestpass (?:audit|checkpoint) \d/
const INLINE = /`([^`]+)`/g

/** The commands in blocks of shell and in back-ticks of a page. */
export function commandsIn(page: string, text: string): readonly ShownCommand[] {
  let language = ''
  return linesOf(text).flatMap(({ at, text: line, kind }) => {
    if (kind === 'fence') language = line.replace(/^ *`+/, '').trim()
    const shown =
      kind === 'code' ? (language === 'sh' ? [line] : []) : [...line.matchAll(INLINE)].map(([, code = '']) => code)
    return shown
      .filter((code) => !CHAIN_TEXT.test(code))
      .filter((code) => kind === 'code' || /^(?:npx )?(?:guestpass|npm run) /.test(code))
      .flatMap((code) => [...code.matchAll(COMMAND)])
      .map(([, program, rest = '']) => ({
        where: `${page}:${at}`,
        program: program === 'guestpass' ? 'guestpass' : 'npm run',
        words: rest.split(/\s+/).filter(Boolean),
      }))
  })
}

const flagsIn = (words: readonly string[]): readonly string[] =>
  words.filter((word) => /^--[a-z]/.test(word)).map((word) => word.replace(/[=,.].*$/, ''))

/** Whether a source names a flag: as `--seed`, or as a member or a text `seed`. */
const takes = (source: string, flag: string): boolean =>
  new RegExp(`${flag}\\b|^\\s*'?${flag.slice(2)}'?:|'${flag.slice(2)}'`, 'm').test(source)

/** What is wrong with a command: a verb or script that is not there, or a flag that it does not take. */
export function commandFaults({ where, program, words }: ShownCommand, known: Commands): readonly string[] {
  const [first = '', second = ''] = words
  if (program === 'npm run') {
    const source = known.scripts.get(first)
    if (source === undefined) return [`${where}: there is no npm run ${first}`]
    const unknown = flagsIn(words).filter((flag) => !takes(source, flag))
    return unknown.map((flag) => `${where}: npm run ${first} takes no ${flag}`)
  }
  if (first.startsWith('--')) return []
  const isGroup = known.groups.includes(first)
  if (isGroup && (second === '' || second === '…')) return []
  const verb = isGroup ? `${first} ${second}` : first
  const flags = known.verbs.get(verb)
  if (!flags) return [`${where}: guestpass has no ${verb}`]
  return flagsIn(words)
    .filter((flag) => !flags.has(flag))
    .map((flag) => `${where}: guestpass ${verb} takes no ${flag}`)
}
