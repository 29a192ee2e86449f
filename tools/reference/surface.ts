import type { PublicName } from '../../docs/api/public-api.ts'

/** The most names that the first entry of core may have. */
const MOST_OF_CORE = 120

/** The file of an entry: `core-node.txt` of `@guestpass/core/node`. */
const surfaceFile = (entry: string): string =>
  `docs/api/surface/${entry.replace('@guestpass/', '').replaceAll('/', '-')}.txt`

/** The public API as texts, by the file that each is committed in. */
export function surfaceTexts(names: readonly PublicName[]): ReadonlyMap<string, string> {
  const entries = Map.groupBy(names, ({ entry }) => entry)
  return new Map(
    [...entries].map(([entry, own]) => {
      const sorted = own.toSorted((a, b) => (a.name < b.name ? -1 : 1))
      const texts = sorted.map(({ kind, name, text }) =>
        kind === 'namespace' ? `namespace ${name}` : inPlace(name, text),
      )
      return [surfaceFile(entry), `# ${entry}: ${own.length} names\n\n${texts.join('\n')}\n`]
    }),
  )
}

/** A text under the name that programs use, also where the source has another. */
const inPlace = (name: string, text: string): string =>
  text.replace(/^((?:declare )?(?:abstract )?(?:class|const|function|interface|type)) \w+/gm, `$1 ${name}`)

/** How the committed texts differ from those of the sources, and an entry with too many names. */
export function surfaceFaults(
  names: readonly PublicName[],
  committed: (file: string) => string | undefined,
  files: readonly string[],
): readonly string[] {
  const texts = surfaceTexts(names)
  const core = names.filter(({ entry, name }) => entry === '@guestpass/core' && !name.includes('.')).length
  return [
    ...[...texts].flatMap(([file, text]) => differences(file, text, committed(file) ?? '')),
    ...files.filter((file) => !texts.has(file)).map((file) => `${file}: no package has this entry`),
    ...(core > MOST_OF_CORE ? [`@guestpass/core: exports ${core} names, more than ${MOST_OF_CORE}`] : []),
  ]
}

function differences(file: string, text: string, committed: string): readonly string[] {
  const [now, before] = [text, committed].map((each) => new Set(each.split('\n')))
  return [
    ...[...(now ?? [])].filter((line) => !before?.has(line)).map((line) => `${file}: + ${line}`),
    ...[...(before ?? [])].filter((line) => !now?.has(line)).map((line) => `${file}: - ${line}`),
    // The same lines in another order.
    ...(text !== committed && now?.size === before?.size && [...(now ?? [])].every((line) => before?.has(line))
      ? [`${file}: its lines are in another order`]
      : []),
  ]
}
