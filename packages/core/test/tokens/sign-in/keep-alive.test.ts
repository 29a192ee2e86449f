import { expect, it } from 'vitest'
import { HOUR, MINUTE } from '../../../src/domain/time.ts'
import { fakeClock, settle } from '../../../src/testing/index.ts'
import { keepAlive } from '../../../src/tokens/sign-in/keep-alive.ts'

it('a sign-in is looked at every hour until the signal aborts, and sooner after a failure', async () => {
  const clock = fakeClock()
  const stop = new AbortController()
  const away = new Error('upstream is away')
  let fails = false
  const looks: number[] = []
  const grant = {
    keepAlive: async () => {
      looks.push(clock.monotonic())
      if (fails) throw away
    },
  }
  const heard: unknown[] = []
  const observer = { succeeded: () => heard.push('succeeded'), failed: (error: unknown) => heard.push(error) }
  const done = keepAlive(grant, { clock }).run(stop.signal, observer)
  await settle()
  fails = true
  await clock.advance(HOUR)
  await clock.advance(3 * MINUTE)
  fails = false
  await clock.advance(2 * HOUR)
  expect(looks.map((at) => at / MINUTE)).toEqual([0, 60, 61, 63, 67, 127])
  expect(heard).toEqual(['succeeded', away, away, away, 'succeeded', 'succeeded'])
  stop.abort()
  await done
  expect(clock.sleeping).toBe(0)
})
