import { execFileSync } from 'node:child_process'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { catalogue } from '../packages/core/src/domain/errors.ts'
import { errorPageFaults } from './errors-page.ts'
import { importFaults } from './imports.ts'

const root = join(import.meta.dirname, '..')
const tracked = execFileSync('git', ['ls-files', '-co', '--exclude-standard', 'packages'], {
  cwd: root,
  encoding: 'utf8',
}).split('\n')
const sources = tracked.filter((file) => /^packages\/\w+\/src\/.*\.ts$/.test(file))

const faults = [
  ...importFaults(root, sources),
  ...errorPageFaults(Object.keys(catalogue), readFileSync(join(root, 'docs/errors.md'), 'utf8')),
]
for (const fault of faults) console.error(fault)
console.log(
  `${sources.length} source files checked: ${faults.length === 0 ? 'imports, cycles, globals and the error page are in order' : `${faults.length} faults`}`,
)
process.exitCode = faults.length === 0 ? 0 : 1
