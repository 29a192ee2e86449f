/** The whole test command: types, lint, format, the project's own checks, then the tests. Its last line counts them. */
import { spawnSync } from 'node:child_process'
import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

const root = join(import.meta.dirname, '..')
const scratch = mkdtempSync(join(tmpdir(), 'guestpass-test-'))
const results = join(scratch, 'results.json')
/** `--with-packages` runs `npm run packages` too, as one more check, in the place of its short form. */
const withPackages = process.argv.includes('--with-packages')
const extra = process.argv.slice(2).filter((each) => each !== '--with-packages')

const run = (command: string, ...args: string[]): boolean =>
  spawnSync(command, args, { cwd: root, stdio: ['ignore', 'inherit', 'inherit'] }).status === 0

type Check = readonly [name: string, command: string, ...args: string[]]
const packages: Check = ['packages', 'node', 'tools/packages/run.ts']
const checks: readonly Check[] = [
  ['types', 'tsc', '-p', '.'],
  ['lint', 'oxlint', '--type-aware'],
  ['format', 'biome', 'format', '.'],
  ['structure', 'node', 'tools/check.ts'],
  ['reference', 'node', 'tools/reference/check.ts'],
  ...(withPackages ? [packages] : []),
]
const outcomes = checks.map(([name, command, ...args]) => ({ name, passed: run(command, ...args) }))
const exclude = withPackages ? ['--exclude', 'tools/test/packages.test.ts'] : []
run('vitest', 'run', ...exclude, '--reporter=default', '--reporter=json', `--outputFile.json=${results}`, ...extra)

interface Results {
  readonly numPassedTests: number
  readonly numFailedTests: number
  readonly numPendingTests: number
  readonly testResults: readonly {
    readonly status: string
    readonly name: string
    readonly assertionResults: readonly { readonly status: string; readonly fullName: string }[]
  }[]
}

function read(): Results | undefined {
  try {
    return JSON.parse(readFileSync(results, 'utf8')) as Results
  } catch {
    return undefined
  }
}

const tests = read()
rmSync(scratch, { recursive: true, force: true })
/** A file that fails before its first test counts as one failure. */
const brokenFiles =
  tests?.testResults.filter((file) => file.status === 'failed' && file.assertionResults.length === 0) ?? []
const failedChecks = outcomes.filter(({ passed }) => !passed)
for (const { name } of failedChecks) console.error(`check failed: ${name}`)
for (const { name } of brokenFiles) console.error(`test file failed to run: ${name}`)
const left = (tests?.testResults ?? [])
  .flatMap(({ assertionResults }) => assertionResults)
  .filter(({ status }) => !['passed', 'failed'].includes(status))
for (const { fullName } of left) console.log(`skipped: ${fullName}`)
const passed = (tests?.numPassedTests ?? 0) + outcomes.length - failedChecks.length
const failed = (tests ? tests.numFailedTests + brokenFiles.length : 1) + failedChecks.length
const skipped = tests?.numPendingTests ?? 0
console.log(`${passed} passed, ${failed} failed${skipped > 0 ? `, ${skipped} skipped` : ''}`)
process.exitCode = failed === 0 && passed > outcomes.length ? 0 : 1
