import { expect, it } from 'vitest'
import { removalLine } from '../../src/lists/removal-line.ts'

it('says of a removed guest that it counts on, only if it can be issued again', () => {
  const removedAt = Date.UTC(2026, 10, 29)
  const removed = '  removed by retention on 2026-11-29T00:00:00.000Z'
  expect(removalLine({ status: 'active' })).toEqual([])
  expect(removalLine({ status: 'active', removedAt })).toEqual([`${removed}; it counts on if it is issued again`])
  for (const status of ['revoked', 'erased'] as const) expect(removalLine({ status, removedAt })).toEqual([removed])
})
