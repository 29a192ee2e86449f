/**
 * Runs the tests of a suite with a seeded bug: `--suite growth --bug keeps-guests`. The bug is a changed line of a source
 * file, which the tests get in place of the line on the disk. Exits with 1 if a test failed.
 */
import { join } from 'node:path'
import { parseArgs } from 'node:util'
import { startVitest } from 'vitest/node'
import { changedLine, changingPlugin } from './changed-lines.ts'

const { values } = parseArgs({ options: { suite: { type: 'string' }, bug: { type: 'string' } } })
const change = changedLine(values.suite, values.bug)
const root = join(import.meta.dirname, '../..')
const vitest = await startVitest(
  'test',
  [...change.tests],
  { root, watch: false, fsModuleCache: false },
  { plugins: [{ ...changingPlugin(change), enforce: 'pre' }] },
)
const all = vitest.state.getTestModules().flatMap((module) => [...module.children.allTests()])
const failed = all.filter((test) => test.result().state === 'failed').length
await vitest.close()
console.log(`failed tests  ${failed}`)
process.exitCode = failed > 0 ? 1 : 0
