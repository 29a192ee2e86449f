/** The API reference of all packages, as HTML in docs/api/html. `npm run docs` in the root of the checkout writes it. */
import { join, relative } from 'node:path'
import { entriesIn } from '../../tools/reference/entries.ts'

const root = join(import.meta.dirname, '../..')
const entries = entriesIn(root)

/** @type {import('typedoc').TypeDocOptions} */
export default {
  name: 'Guestpass',
  entryPoints: entries.map(({ file }) => relative(import.meta.dirname, join(root, file))),
  tsconfig: 'tsconfig.json',
  plugin: ['./packages.js'],
  out: 'html',
  readme: '../../README.md',
  excludeInternal: true,
  excludePrivate: true,
  disableSources: true,
  hideGenerator: true,
  validation: {
    // tools/reference/check.ts hidden-types finds them, and passes tables that types are made from.
    notExported: false,
    invalidLink: true,
    invalidPath: false,
    notDocumented: true,
    unusedMergeModuleWith: true,
  },
  requiredToBeDocumented: ['Class', 'Enum', 'Function', 'Interface', 'Namespace', 'TypeAlias', 'Variable'],
  packagesRequiringDocumentation: [...new Set(entries.map(({ package: owner }) => owner))],
  // The types are checked by `npm test`.
  skipErrorChecking: true,
  treatValidationWarningsAsErrors: true,
  sort: ['alphabetical'],
}
