import { expect, it } from 'vitest'
import { imported, isWhole } from '../crash-tests/import-rows.ts'

it('imports 200 rows in a heap of 64 MiB', async () => {
  const outcome = await imported({ rows: 200, heap: 64 }, () => {})
  expect(outcome).toMatchObject({ exit: 0, done: 200, failed: 0, outOfMemory: false })
  expect(isWhole(outcome, 200)).toBe(true)
}, 60_000)

it('counts an import as whole only if each row became a guest and it ended well', () => {
  const whole = { exit: 0, done: 2, failed: 0, seconds: 1, resident: [], outOfMemory: false, complaint: '' }
  expect(isWhole(whole, 2)).toBe(true)
  for (const wrong of [{ done: 1 }, { failed: 1 }, { exit: 1 }, { exit: null }]) {
    expect(isWhole({ ...whole, ...wrong }, 2)).toBe(false)
  }
})
