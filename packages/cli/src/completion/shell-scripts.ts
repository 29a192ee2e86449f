import type { CompletedOption, CompletedPlace } from './completion-model.ts'

/** Shells with a completion script. */
export const shells = ['bash', 'zsh', 'fish'] as const
export type Shell = (typeof shells)[number]

/** Writes the completion script of a shell. It starts no process, so that completion is immediate. */
export const completionScript = (shell: Shell, places: readonly CompletedPlace[]): readonly string[] =>
  writers[shell](places)

/** A text as one word of bash or zsh. */
const quoted = (text: string): string => `'${text.replaceAll("'", "'\\''")}'`

/** The first sentence of a text, for a list of choices. */
const brief = (text: string): string => (/^[^;:(]+/.exec(text)?.[0] ?? text).trim().replace(/\.$/, '')

const flagsOf = ({ options }: CompletedPlace): readonly string[] => options.flatMap(({ names }) => names)
const withValue = ({ options }: CompletedPlace): readonly CompletedOption[] =>
  options.filter(({ value }) => value !== 'none')

/** Sets `place` to the place of the line: the names of commands before the word that is completed. */
const findPath = (places: readonly CompletedPlace[], words: string, last: string): readonly string[] => [
  `  local place='' next word`,
  `  for word in ${words}; do`,
  '    next="${place:+$place }$word"',
  '    case "$next" in',
  `      ${places
    .filter(({ path }) => path !== '')
    .map(({ path }) => quoted(path))
    .join('|')}) place="$next" ;;`,
  '    esac',
  '  done',
  `  local option="${last}"`,
]

const bash = (places: readonly CompletedPlace[]): readonly string[] => [
  '# Completion of guestpass for bash. Load it with: source <(guestpass completion bash)',
  '_guestpass() {',
  '  local current="${COMP_WORDS[COMP_CWORD]}"',
  '  COMPREPLY=()',
  ...findPath(places, '"${COMP_WORDS[@]:1:COMP_CWORD-1}"', '${COMP_WORDS[COMP_CWORD-1]}'),
  "  local commands='' options='' files='' values=''",
  '  case "$place" in',
  ...places.flatMap((place) => [
    `    ${quoted(place.path)})`,
    ...(place.commands.length > 0
      ? [`      commands=${quoted(place.commands.map(({ name }) => name).join(' '))}`]
      : []),
    ...(place.options.length > 0 ? [`      options=${quoted(flagsOf(place).join(' '))}`] : []),
    ...(place.takesFile ? ['      files=yes'] : []),
    ...bashValues(place),
    '      ;;',
  ]),
  '  esac',
  '  if [[ $values == - ]]; then COMPREPLY=()',
  '  elif [[ $values == . ]]; then compopt -o filenames 2>/dev/null; COMPREPLY=($(compgen -f -- "$current"))',
  '  elif [[ -n $values ]]; then COMPREPLY=($(compgen -W "$values" -- "$current"))',
  '  elif [[ $current == -* || -z $commands && -z $files ]]; then COMPREPLY=($(compgen -W "$options" -- "$current"))',
  '  elif [[ -n $commands ]]; then COMPREPLY=($(compgen -W "$commands" -- "$current"))',
  '  else compopt -o filenames 2>/dev/null; COMPREPLY=($(compgen -f -- "$current"))',
  '  fi',
  '}',
  'complete -F _guestpass guestpass',
]

/** `-`: a text that the shell does not know; `.`: a file. */
const shortValue = ({ value }: CompletedOption): string => {
  if (typeof value !== 'string') return value.join(' ')
  return value === 'file' ? '.' : '-'
}

const bashValues = (place: CompletedPlace): readonly string[] =>
  withValue(place).length === 0
    ? []
    : [
        '      case "$option" in',
        ...withValue(place).map(
          (option) => `        ${option.names.join('|')}) values=${quoted(shortValue(option))} ;;`,
        ),
        '      esac',
      ]

/** A choice of zsh: its name and description, parted by a colon. */
const choice = (name: string, about: string): string => quoted(`${name.replaceAll(':', '\\:')}:${brief(about)}`)

const zsh = (places: readonly CompletedPlace[]): readonly string[] => [
  '#compdef guestpass',
  '# Completion of guestpass for zsh. Load it with: source <(guestpass completion zsh)',
  '_guestpass() {',
  '  local current="${words[CURRENT]}"',
  ...findPath(places, '"${(@)words[2,CURRENT-1]}"', '${words[CURRENT-1]}'),
  '  local -a commands options values',
  "  local files=''",
  '  case "$place" in',
  ...places.flatMap((place) => [
    `    ${quoted(place.path)})`,
    ...(place.commands.length > 0
      ? [`      commands=(${place.commands.map(({ name, about }) => choice(name, about)).join(' ')})`]
      : []),
    ...(place.options.length > 0
      ? [
          `      options=(${place.options
            .flatMap(({ names, about }) => names.map((name) => choice(name, about)))
            .join(' ')})`,
        ]
      : []),
    ...(place.takesFile ? ['      files=yes'] : []),
    ...zshValues(place),
    '      ;;',
  ]),
  '  esac',
  '  if [[ ${values[1]} == - ]]; then return 1',
  '  elif [[ ${values[1]} == . ]]; then _files',
  '  elif (( ${#values} )); then compadd -a values',
  "  elif [[ $current == -* || ${#commands} -eq 0 && -z $files ]]; then _describe -o 'option' options",
  "  elif (( ${#commands} )); then _describe 'command' commands",
  '  else _files',
  '  fi',
  '}',
  'if [[ "${funcstack[1]}" == _guestpass ]]; then _guestpass "$@"; else compdef _guestpass guestpass; fi',
]

const zshValues = (place: CompletedPlace): readonly string[] =>
  withValue(place).length === 0
    ? []
    : [
        '      case "$option" in',
        ...withValue(place).map((option) => `        ${option.names.join('|')}) values=(${shortValue(option)}) ;;`),
        '      esac',
      ]

/** A text as one word of fish. */
const fishQuoted = (text: string): string => `'${text.replaceAll('\\', '\\\\').replaceAll("'", "\\'")}'`

const fish = (places: readonly CompletedPlace[]): readonly string[] => [
  '# Completion of guestpass for fish. Load it with: guestpass completion fish | source',
  'function __guestpass_at',
  "  set -l path ''",
  '  for word in (commandline -opc)[2..-1]',
  '    set -l next (string trim -- "$path $word")',
  `    contains -- $next ${places
    .filter(({ path }) => path !== '')
    .map(({ path }) => fishQuoted(path))
    .join(' ')}; and set path $next`,
  '  end',
  '  test "$path" = "$argv[1]"',
  'end',
  'complete -c guestpass -e',
  'complete -c guestpass -f',
  ...places.flatMap((place) => {
    const at = `complete -c guestpass -n ${fishQuoted(`__guestpass_at ${fishQuoted(place.path)}`)}`
    return [
      ...place.commands.map(({ name, about }) => `${at} -a ${fishQuoted(name)} -d ${fishQuoted(brief(about))}`),
      ...place.options.map((option) => `${at} ${fishOption(option)} -d ${fishQuoted(brief(option.about))}`),
      ...(place.takesFile ? [`${at} -F`] : []),
    ]
  }),
]

function fishOption({ names, value }: CompletedOption): string {
  const flags = names.map((name) => (name.startsWith('--') ? `-l ${name.slice(2)}` : `-s ${name.slice(1)}`)).join(' ')
  if (value === 'none') return flags
  if (value === 'file') return `${flags} -r -F`
  return value === 'text' ? `${flags} -x` : `${flags} -x -a ${fishQuoted(value.join(' '))}`
}

const writers: Readonly<Record<Shell, (places: readonly CompletedPlace[]) => readonly string[]>> = { bash, zsh, fish }
