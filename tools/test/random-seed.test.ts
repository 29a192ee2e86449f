import { join } from 'node:path'
import { expect, it } from 'vitest'
import { watchedRun } from '../secrets-canary/watched-run.ts'

const root = join(import.meta.dirname, '../..')

/** The seed and the counterexample that a failing property prints. */
async function failure(env: Readonly<Record<string, string>> = {}): Promise<{ seed: string; example: string }> {
  const args = ['run', '--config', 'tools/test/failing/vitest.config.ts', 'property', '--reporter=default']
  const printed = await watchedRun('vitest', args, { cwd: root, quiet: true, env: { ...process.env, ...env } })
  const text = printed.map(([, part]) => part).join('\n')
  const [, seed = ''] = /seed: (-?\d+)/.exec(text) ?? []
  const [, example = ''] = /Counterexample: (.*)/.exec(text) ?? []
  return { seed, example }
}

it('a property that fails prints its seed, and fails for the same value with GUESTPASS_TEST_SEED', async () => {
  const first = await failure()
  expect(first).toEqual({ seed: expect.stringMatching(/^-?\d+$/), example: expect.stringMatching(/^\[1?\d{6}\]$/) })
  expect(await failure({ GUESTPASS_TEST_SEED: first.seed })).toEqual(first)
})
