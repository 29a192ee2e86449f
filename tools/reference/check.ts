/**
 * Checks documentation against the sources. `--write` writes the generated pages and texts, and breaks long lines. A name, as `docstrings`,
 * runs one check alone.
 */
import { execFileSync } from 'node:child_process'
import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { type PublicName, publicNames } from '../../docs/api/public-api.ts'
import { configurationPage } from '@guestpass/runtime'
import { metricsPage } from '@guestpass/server'
import { errorsPage } from './errors-page.ts'
import { docstringFaults, hiddenTypeFaults } from './docstrings.ts'
import { glossaryFaults, retiredWordFaults } from './glossary.ts'
import { guestApisPage } from './guest-apis-page.ts'
import { linkFaults } from './links.ts'
import { proseFaults, wrapped } from './prose.ts'
import { retiredWords } from './retired-words.ts'
import { surfaceFaults, surfaceTexts } from './surface.ts'

const root = join(import.meta.dirname, '../..')
const read = (file: string): string => readFileSync(join(root, file), 'utf8')
const files = execFileSync('git', ['ls-files', '-co', '--exclude-standard'], { cwd: root, encoding: 'utf8' })
  .split('\n')
  .filter((file) => file !== '' && existsSync(join(root, file)))
const repository = { files, read: (file: string) => (files.includes(file) ? read(file) : undefined) }
const pages = files.filter((file) => file.endsWith('.md') && !file.startsWith('docs/api/'))
/** Pages that are made of the sources. */
const generated: ReadonlyMap<string, string> = new Map([
  ['docs/errors.md', errorsPage()],
  ['docs/configuration.md', configurationPage()],
  ['docs/metrics.md', metricsPage()],
  ['docs/guest-apis.md', guestApisPage()],
])
/** Read once, and only by a check of names: it takes about two seconds. */
let readNames: readonly PublicName[] | undefined
const names = (): readonly PublicName[] => (readNames ??= publicNames(root))

const checks: Readonly<Record<string, () => readonly string[]>> = {
  surface: () =>
    surfaceFaults(
      names(),
      repository.read,
      files.filter((file) => file.startsWith('docs/api/surface/')),
    ),
  generated: () =>
    [...generated].flatMap(([file, text]) =>
      repository.read(file) === text ? [] : [`${file}: differs from the sources (npm run docs:pages writes it)`],
    ),
  'hidden-types': () => hiddenTypeFaults(names()),
  glossary: () => glossaryFaults(names(), read('docs/glossary.md')),
  'retired-words': () => retiredWordFaults(retiredWords, files, repository.read),
  links: () => pages.flatMap((page) => linkFaults(page, repository)),
  prose: () => pages.flatMap((page) => proseFaults(page, read(page))),
  docstrings: () => docstringFaults(names()),
}

if (process.argv.includes('--write')) {
  for (const [file, text] of [...surfaceTexts(names()), ...generated]) {
    mkdirSync(dirname(join(root, file)), { recursive: true })
    writeFileSync(join(root, file), text)
  }
  for (const page of pages) if (!generated.has(page)) writeFileSync(join(root, page), wrapped(read(page)))
} else {
  const asked = process.argv.slice(2)
  const chosen = Object.entries(checks).filter(([name]) => asked.length === 0 || asked.includes(name))
  for (const [name, faultsOf] of chosen) {
    const faults = faultsOf()
    for (const fault of faults) console.error(fault)
    if (faults.length > 0) process.exitCode = 1
    console.log(`${name}: ${faults.length} faults`)
  }
}
