import { execFileSync } from 'node:child_process'
import { join } from 'node:path'
import { importFaults } from './imports.ts'

const root = join(import.meta.dirname, '..')
const tracked = execFileSync('git', ['ls-files', '-co', '--exclude-standard', 'packages'], {
  cwd: root,
  encoding: 'utf8',
}).split('\n')
const sources = tracked.filter((file) => /^packages\/\w+\/src\/.*\.ts$/.test(file))

const faults = importFaults(root, sources)
for (const fault of faults) console.error(fault)
console.log(
  `${sources.length} source files checked: ${faults.length === 0 ? 'imports, cycles and globals are in order' : `${faults.length} faults`}`,
)
process.exitCode = faults.length === 0 ? 0 : 1
