import { fakeClock } from '@guestpass/core/testing'
import { expect, it } from 'vitest'
import { createMovableClock } from '../../../src/front-door/testing/movable-clock.ts'

it('runs as its base does, ahead of it by what it was moved', async () => {
  const base = fakeClock()
  const clock = createMovableClock(base)
  const start = clock.wall()
  clock.advance(1_000)
  await base.advance(500)
  expect([clock.wall() - start, clock.monotonic(), clock.uptime?.()]).toEqual([1_500, 1_500, 1_500])
})

it('ends a sleep that is over after a move, and shortens the others', async () => {
  const base = fakeClock()
  const clock = createMovableClock(base)
  const ended: string[] = []
  const sleeps = [clock.sleep(1_000).then(() => ended.push('short')), clock.sleep(5_000).then(() => ended.push('long'))]
  clock.advance(3_000)
  await sleeps[0]
  await base.advance(1_999)
  expect([ended, base.sleeping]).toEqual([['short'], 1])
  await base.advance(1)
  await Promise.all(sleeps)
  expect([ended, base.sleeping]).toEqual([['short', 'long'], 0])
})

it('ends a sleep with the reason of its signal, and refuses NaN', async () => {
  const base = fakeClock()
  const clock = createMovableClock(base)
  const over = new AbortController()
  const sleep = clock.sleep(1_000, over.signal)
  clock.advance(10)
  over.abort(new Error('over'))
  await expect(sleep).rejects.toThrow('over')
  expect(base.sleeping).toBe(0)
  await expect(clock.sleep(Number.NaN)).rejects.toThrow(RangeError)
})
