import { expect, it } from 'vitest'
import { HOUR } from '../src/domain/time.ts'
import { fakeClock, settle } from '../src/testing/index.ts'
import { keepAlive } from '../src/tokens/keep-alive.ts'

it('a sign-in is looked at every hour until the signal aborts, whatever comes of it', async () => {
  const clock = fakeClock()
  const stop = new AbortController()
  let looks = 0
  const grant = {
    keepAlive: async () => {
      looks += 1
      if (looks === 2) throw new Error('upstream is away')
    },
  }
  const done = keepAlive(grant, { clock }, stop.signal)
  await settle()
  expect(looks).toBe(1)
  await clock.advance(3 * HOUR)
  expect(looks).toBe(4)
  stop.abort()
  await done
  expect(clock.sleeping).toBe(0)
})
