import { execFileSync } from 'node:child_process'
import { join } from 'node:path'
import { importFaults } from './imports.ts'
import { unseededFaults } from './unseeded.ts'

const root = join(import.meta.dirname, '..')
const tracked = execFileSync('git', ['ls-files', '-co', '--exclude-standard', 'packages', 'tools', 'bench'], {
  cwd: root,
  encoding: 'utf8',
}).split('\n')
const sources = tracked.filter((file) => /^packages\/\w+\/src\/.*\.ts$/.test(file))

// The check itself and its test name what they look for.
const repeated = tracked.filter(
  (file) => /^(?:packages\/\w+\/test|tools|bench)\/.*\.ts$/.test(file) && !/unseeded|checks\.test/.test(file),
)

const faults = [...importFaults(root, sources), ...unseededFaults(root, repeated)]
for (const fault of faults) console.error(fault)
console.log(
  `${sources.length} source files checked: ${faults.length === 0 ? 'imports, cycles, globals and seeds are in order' : `${faults.length} faults`}`,
)
process.exitCode = faults.length === 0 ? 0 : 1
