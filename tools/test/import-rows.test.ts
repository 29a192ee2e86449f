import { expect, it } from 'vitest'
import { imported, isWhole } from '../torture/import-rows.ts'

it('an import of many rows fits into a bounded heap, and one that is too small is told', async () => {
  const [whole, cramped] = await Promise.all([64, 20].map((heap) => imported({ rows: 200, heap }, () => {})))
  expect(whole && isWhole(whole, 200), JSON.stringify(whole)).toBe(true)
  expect(cramped && isWhole(cramped, 200), JSON.stringify(cramped)).toBe(false)
}, 60_000)
