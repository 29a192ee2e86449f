import type { PublicName } from '../../docs/api/public-api.ts'
import type { RetiredWord } from './retired-words.ts'
import { plainWords } from './plain-words.ts'

/** A word in its singular, in lower case. */
const singular = (word: string): string =>
  word
    .toLowerCase()
    .replace(/ies$/, 'y')
    .replace(/(?<=sh|ch|ss|x|ias)es$/, '')
    .replace(/(?<!s|u|i)s$/, '')

/** The words of a name in camel case: `SqliteStoreOptions` has three. */
export const wordsOf = (name: string): readonly string[] =>
  [...name.matchAll(/[A-Z]+(?![a-z])|[A-Z]?[a-z]+/g)].map(([word]) => singular(word))

/** The words of the first column of the glossary. */
function glossaryWords(page: string): readonly string[] {
  const terms = [...page.matchAll(/^\| ([^|]+) \| [^|]+ \|$/gm)].map(([, term = '']) => term)
  return terms.slice(1).flatMap((term) => term.split(/[\s,-]+/).map(singular))
}

/** Words of exported types and classes that are neither in the glossary nor plain, and terms that are there twice. */
export function glossaryFaults(names: readonly PublicName[], page: string): readonly string[] {
  const known = new Set([...glossaryWords(page), ...plainWords])
  const terms = [...page.matchAll(/^\| ([^|]+) \|/gm)].map(([, term = '']) => term)
  const nouns = names.filter(({ kind }) => kind === 'class' || kind === 'interface' || kind === 'type')
  const unknown = new Map(
    nouns.flatMap(({ name, file }) =>
      wordsOf(name.split('.').at(-1) ?? '')
        .filter((word) => !known.has(word))
        .map((word) => [word, `docs/glossary.md: lacks "${word}" of ${name} (${file})`] as const),
    ),
  )
  return [
    ...unknown.values(),
    ...terms.filter((term, at) => terms.indexOf(term) !== at).map((term) => `docs/glossary.md: has "${term}" twice`),
  ]
}

/** Files that name retired words on purpose. */
const exempt = /^(tools\/reference\/retired-words\.ts|tools\/test\/glossary\.test\.ts|CHANGELOG\.md|fixtures\/)/
const searched = /\.(ts|js|mjs|md)$/

/** The lines of a file in which a word is: whole, or as a part of a name in camel case. `namesOnly` leaves comments and texts out. */
function linesWith({ word, terms, namesOnly }: RetiredWord, lines: readonly string[]): readonly number[] {
  const capital = word[0]?.toUpperCase() + word.slice(1)
  const found = new RegExp(`(?<![A-Za-z])(?:${word}|${capital})(?![a-z])|(?<=[a-z0-9])${capital}(?![a-z])`)
  const read = (line: string): string =>
    namesOnly ? line.replaceAll(/^\s*\/?\*.*|\/\/.*|'[^']*'|"[^"]*"|`[^`]*`|\/\*.*?\*\//g, '') : line
  const withoutTerms = (line: string): string => (terms ? line.replaceAll(terms, '') : line)
  return lines.flatMap((line, at) => (found.test(withoutTerms(read(line))) ? [at + 1] : []))
}

/** Retired words in sources, tests, tools and pages, one fault for each file and word. */
export function retiredWordFaults(
  words: readonly RetiredWord[],
  files: readonly string[],
  read: (file: string) => string | undefined,
): readonly string[] {
  const texts = files.filter((file) => searched.test(file) && !exempt.test(file))
  return texts.flatMap((file) => {
    const lines = (read(file) ?? '').split('\n')
    const inName = (word: string): boolean => new RegExp(`(^|[/.-])${word}([/.-]|$)`).test(file)
    return words
      .filter(({ within, except, namesOnly }) => {
        const isSearched = (within?.test(file) ?? true) && !except?.test(file)
        return isSearched && !(namesOnly && file.endsWith('.md'))
      })
      .flatMap((word) => {
        const at = linesWith(word, lines)
        if (inName(word.word)) return [`${file}: its name has "${word.word}" (${word.instead})`]
        return at.length > 0 ? [`${file}:${at.join(',')}: "${word.word}" (${word.instead})`] : []
      })
  })
}
