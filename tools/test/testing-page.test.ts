import { execFile } from 'node:child_process'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { expect, it } from 'vitest'
import { pageOf, piecesOf } from './page.ts'

const folder = join(import.meta.dirname, '../../examples/testing')
const page = pageOf('docs/testing.md')

it('shows the examples as they are in the files, which are run', () => {
  const shown = [...piecesOf(page, 'ts'), ...piecesOf(page, 'js')].map(({ title, code }) => [title, code])
  expect(shown).toEqual([
    ['Vitest', pageOf('examples/testing/vitest.test.ts')],
    ['node:test', pageOf('examples/testing/node.test.ts')],
    // `npm run packages` runs it, with the packed packages and the Jest that is installed there.
    ['Jest', pageOf('examples/testing/jest.test.mjs')],
  ])
})

it('has an example that passes under node:test', async () => {
  const { NODE_OPTIONS: _, NODE_TEST_CONTEXT: __, ...env } = process.env
  const { stdout } = await promisify(execFile)(process.execPath, ['--test', join(folder, 'node.test.ts')], { env })
  expect(stdout).toMatch(/^(ℹ|#) pass 1$/m)
})
