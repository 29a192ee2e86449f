import { expect, it } from 'vitest'
import { runKeepers, isRight, type KeeperReport } from '../crash-tests/keepers.ts'

it('four keepers on one store renew every session, with one request for each renewal', async () => {
  const tally = await runKeepers({ keepers: 4, sessions: 200, life: 12 }, () => {})
  expect(isRight(tally), JSON.stringify(tally)).toBe(true)
  expect(tally.renewals).toBeGreaterThanOrEqual(200)
}, 60_000)

it('the tally of keepers is wrong when a renewal took two requests, or a session had none', () => {
  const right: KeeperReport = { sessions: 2, renewed: 2, renewals: 3, calls: 3, seconds: 1 }
  expect(isRight(right)).toBe(true)
  for (const wrong of [{ renewed: 1 }, { calls: 4 }, { calls: 2 }]) expect(isRight({ ...right, ...wrong })).toBe(false)
})
