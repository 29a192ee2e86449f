import { expect, it } from 'vitest'
import { imported, isWhole } from '../crash-tests/import-rows.ts'

it('an import of many rows fits into a bounded heap, and one that is too small runs out of memory', async () => {
  const [whole, cramped] = await Promise.all([64, 20].map((heap) => imported({ rows: 200, heap }, () => {})))
  expect(whole).toMatchObject({ exit: 0, done: 200, failed: 0, outOfMemory: false })
  expect(cramped, cramped?.complaint).toMatchObject({ done: 0, outOfMemory: true })
  expect(cramped && isWhole(cramped, 200)).toBe(false)
}, 60_000)
