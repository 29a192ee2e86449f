import { expect, it } from 'vitest'
import { runImport, isComplete } from '../crash-tests/import-rows.ts'

it('imports 200 rows in a heap of 64 MiB', async () => {
  const outcome = await runImport({ rows: 200, heap: 64 }, () => {})
  expect(outcome).toMatchObject({ exit: 0, done: 200, failed: 0, outOfMemory: false })
  expect(isComplete(outcome, 200)).toBe(true)
}, 60_000)

it('counts an import as whole only if each row became a guest and it ended well', () => {
  const whole = { exit: 0, done: 2, failed: 0, seconds: 1, resident: [], outOfMemory: false, errorText: '' }
  expect(isComplete(whole, 2)).toBe(true)
  for (const wrong of [{ done: 1 }, { failed: 1 }, { exit: 1 }, { exit: null }]) {
    expect(isComplete({ ...whole, ...wrong }, 2)).toBe(false)
  }
})
