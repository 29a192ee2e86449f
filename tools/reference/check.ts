/**
 * Checks documentation against the sources. `--write` writes the generated pages and texts. A name (`docstrings`) runs one check
 * and prints all of its faults.
 */
import { execFileSync } from 'node:child_process'
import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { publicNames } from '../../docs/api/public-api.ts'
import { docstringFaults, hiddenTypeFaults } from './docstrings.ts'
import { surfaceFaults, surfaceTexts } from './surface.ts'

const root = join(import.meta.dirname, '../..')
const read = (file: string): string => readFileSync(join(root, file), 'utf8')
const files = execFileSync('git', ['ls-files', '-co', '--exclude-standard'], { cwd: root, encoding: 'utf8' })
  .split('\n')
  .filter((file) => file !== '' && existsSync(join(root, file)))
const names = publicNames(root)

interface Check {
  /** Its faults fail the run. */
  readonly isStrict: boolean
  readonly faults: () => readonly string[]
}

const checks: Readonly<Record<string, Check>> = {
  surface: {
    isStrict: false,
    faults: () =>
      surfaceFaults(
        names,
        (file) => (files.includes(file) ? read(file) : undefined),
        files.filter((file) => file.startsWith('docs/api/surface/')),
      ),
  },
  'hidden-types': { isStrict: false, faults: () => hiddenTypeFaults(names) },
  docstrings: { isStrict: false, faults: () => docstringFaults(names) },
}

if (process.argv.includes('--write')) {
  for (const [file, text] of surfaceTexts(names)) {
    mkdirSync(dirname(join(root, file)), { recursive: true })
    writeFileSync(join(root, file), text)
  }
} else {
  const asked = process.argv.slice(2)
  const chosen = Object.entries(checks).filter(([name]) => asked.length === 0 || asked.includes(name))
  for (const [name, { isStrict, faults }] of chosen) {
    const found = faults()
    if (isStrict || asked.length > 0) for (const fault of found) console.error(fault)
    if (isStrict && found.length > 0) process.exitCode = 1
    console.log(
      `${name}: ${found.length} faults${found.length > 0 && !isStrict ? ` (not strict yet; node tools/reference/check.ts ${name})` : ''}`,
    )
  }
}
