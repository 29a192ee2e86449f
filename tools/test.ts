/** The whole test command: types, lint, format, the project's own checks, then the tests. Its last line counts them. */
import { spawn, spawnSync } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { text } from 'node:stream/consumers'
import { leaksOf, watchedRun } from './secrets-canary/watched-run.ts'
import type { Outcome } from './seeded-bugs/outcome.ts'
import { suitesIn } from './suites.ts'

const root = join(import.meta.dirname, '..')
const scratch = mkdtempSync(join(tmpdir(), 'guestpass-test-'))
const results = join(scratch, 'results.json')
const { chosen, seededBugs: withSeededBugs, rest } = suitesIn(process.argv.slice(2))

const run = (command: string, ...args: string[]): boolean =>
  spawnSync(command, args, { cwd: root, stdio: ['ignore', 'inherit', 'inherit'] }).status === 0

/** Prints the output of a program when it has ended: programs that run at once do not mix their lines. */
async function runBesideOthers(command: string, ...args: string[]): Promise<boolean> {
  const child = spawn(command, args, { cwd: root, stdio: ['ignore', 'pipe', 'pipe'] })
  const ended = once(child, 'close').catch((thrown: unknown) => [String(thrown)])
  const [out, err, [status]] = await Promise.all([text(child.stdout), text(child.stderr), ended])
  process.stdout.write(out)
  process.stderr.write(err)
  return status === 0
}

type Check = readonly [name: string, command: string, ...args: string[]]
const checks: readonly Check[] = [
  ['types', 'tsc', '-p', '.'],
  ['lint', 'oxlint', '--type-aware'],
  ['format', 'biome', 'format', '.'],
  ['structure', 'node', 'tools/check.ts'],
  ['reference', 'node', 'tools/reference/check.ts'],
]
const outcomes = await Promise.all(
  checks.map(async ([name, command, ...args]) => ({ name, passed: await runBesideOthers(command, ...args) })),
)
for (const { name, program } of chosen) outcomes.push({ name, passed: run('node', ...program) })
const exclude = chosen.flatMap(({ replaces }) => (replaces === undefined ? [] : ['--exclude', replaces]))
const reporters = ['--reporter=default', '--reporter=json', `--outputFile.json=${results}`]
const printed = await watchedRun('vitest', ['run', ...exclude, ...reporters, ...rest], { cwd: root })

interface Results {
  readonly numPassedTests: number
  readonly numFailedTests: number
  readonly numPendingTests: number
  readonly testResults: readonly {
    readonly status: string
    readonly name: string
    readonly assertionResults: readonly { readonly status: string; readonly title: string; readonly fullName: string }[]
  }[]
}

function read(file: string): unknown {
  try {
    return JSON.parse(readFileSync(file, 'utf8')) as unknown
  } catch {
    return undefined
  }
}

/** The outcomes of `npm run seeded-bugs`. A run that wrote none counts as one bug that was not caught. */
function seededBugs(): readonly Outcome[] {
  if (!withSeededBugs) return []
  const file = join(scratch, 'seeded-bugs.json')
  run('node', 'tools/seeded-bugs/run.ts', '--results', file)
  const crashed = { suite: 'seeded-bugs', bug: 'run', status: 'not caught', reason: 'no results', seconds: 0 } as const
  return (read(file) as readonly Outcome[] | undefined) ?? [crashed]
}

const tests = read(results) as Results | undefined
const titles = (tests?.testResults ?? []).flatMap((file) => file.assertionResults.map(({ title }) => title))
const leaks = leaksOf(printed, titles)
for (const leak of leaks) console.error(`a secret is visible: ${leak}`)
outcomes.push({ name: 'no secret in the output of the tests', passed: leaks.length === 0 })
const bugs = seededBugs()
const bugsThat = (status: Outcome['status']): readonly Outcome[] => bugs.filter((one) => one.status === status)
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
for (const { suite, bug, reason } of bugsThat('skipped')) console.log(`skipped: seeded bug ${suite} ${bug}: ${reason}`)
for (const { suite, bug, reason } of bugsThat('not caught')) {
  console.error(`seeded bug not caught: ${suite} ${bug}: ${reason}`)
}
const passed = (tests?.numPassedTests ?? 0) + outcomes.length - failedChecks.length + bugsThat('caught').length
const failed =
  (tests ? tests.numFailedTests + brokenFiles.length : 1) + failedChecks.length + bugsThat('not caught').length
const skipped = (tests?.numPendingTests ?? 0) + bugsThat('skipped').length
console.log(`${passed} passed, ${failed} failed${skipped > 0 ? `, ${skipped} skipped` : ''}`)
process.exitCode = failed === 0 && passed > outcomes.length ? 0 : 1
