/**
 * Runs the tests of a suite with a seeded bug: `--suite growth --bug keeps-guests`. The bug is a changed line of a source
 * file, which the tests get in place of the line on the disk. Exits with 1 if a test failed.
 */
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { parseArgs } from 'node:util'
import { startVitest } from 'vitest/node'
import { changedLines } from './changed-lines.ts'

const { values } = parseArgs({ options: { suite: { type: 'string' }, bug: { type: 'string' } } })
const change = changedLines.find(({ suite, bug }) => suite === values.suite && bug === values.bug)
if (!change) throw new TypeError(`There is no bug ${values.suite}:${values.bug}.`)
const { file, text, becomes, tests } = change
const root = join(import.meta.dirname, '../..')
const path = join(root, file)
const occurrences = readFileSync(path, 'utf8').split(text).length - 1
if (occurrences !== 1) throw new TypeError(`${file} has "${text}" ${occurrences} times, not once.`)

const plugin = {
  name: 'seeded-bug',
  enforce: 'pre' as const,
  transform: (code: string, id: string) => (id.split('?')[0] === path ? code.replace(text, becomes) : undefined),
}
const vitest = await startVitest(
  'test',
  [...tests],
  { root, watch: false, fsModuleCache: false },
  { plugins: [plugin] },
)
const all = vitest.state.getTestModules().flatMap((module) => [...module.children.allTests()])
const failed = all.filter((test) => test.result().state === 'failed').length
await vitest.close()
console.log(`failed tests  ${failed}`)
process.exitCode = failed > 0 ? 1 : 0
