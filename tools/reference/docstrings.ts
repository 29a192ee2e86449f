import type { Example, PublicName } from '../../docs/api/public-api.ts'

/** Each public name once, whatever entries export it. */
const once = (names: readonly PublicName[]): readonly PublicName[] => [
  ...new Map(names.map((name) => [`${name.file} ${name.name.split('.').at(-1)}`, name])).values(),
]

/** Public names without a docstring, and public factories without an `@example`. Members of a namespace and kinds of options need none. */
export const docstringFaults = (names: readonly PublicName[]): readonly string[] =>
  once(names)
    .flatMap(({ entry, file, name, docstring, isFactory, examples }) => [
      ...(docstring.trim() === '' ? [`${file}: ${name} has no docstring`] : []),
      ...(isFactory && examples.length === 0 && !name.includes('.') && !entry.endsWith('/options')
        ? [`${file}: ${name} has no @example`]
        : []),
      ...(examples.some((example) => example.of === name && !isProgram(example))
        ? [`${file}: the @example of ${name} imports nothing, so that it is no program`]
        : []),
    ])
    .toSorted()

/** Whether an example is a whole program; that of a member goes on from an object of its type. */
export const isProgram = ({ code }: Example): boolean => /^import /m.test(code)

/** Types that public names refer to and that no entry exports: a program cannot name them, and the reference cannot show them. */
export const hiddenTypeFaults = (names: readonly PublicName[]): readonly string[] =>
  once(names)
    .flatMap(({ file, name, notExported }) =>
      notExported.map((type) => `${file}: ${name} refers to ${type}, which no entry exports`),
    )
    .toSorted()
