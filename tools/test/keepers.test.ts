import { expect, it } from 'vitest'
import { gathering, isRight, type Tally } from '../torture/keepers.ts'

it('four keepers on one store renew every session with one request', async () => {
  const tally = await gathering({ keepers: 4, sessions: 200, life: 12 }, () => {})
  expect(tally).toMatchObject({ renewed: 200, calls: 200, twice: 0 })
}, 60_000)

it('the tally of keepers is wrong when a session was renewed by two requests, or by none', () => {
  const right: Tally = { sessions: 2, renewed: 2, calls: 2, twice: 0, seconds: 1 }
  expect(isRight(right)).toBe(true)
  for (const wrong of [{ renewed: 1 }, { calls: 3 }, { twice: 1 }]) expect(isRight({ ...right, ...wrong })).toBe(false)
})
