import { expect, it } from 'vitest'
import { GuestpassError } from '../../../src/domain/errors.ts'
import { HOUR, MINUTE } from '../../../src/domain/time.ts'
import { fakeClock, settle } from '../../../src/testing/index.ts'
import { keepAlive } from '../../../src/tokens/sign-in/keep-alive.ts'

it('a sign-in is looked at every 5 minutes until the signal aborts, and sooner after a failure', async () => {
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
  await clock.advance(8 * MINUTE)
  fails = false
  await clock.advance(10 * MINUTE)
  expect(looks.map((at) => at / MINUTE)).toEqual([0, 5, 6, 8, 12, 17])
  expect(heard).toEqual(['succeeded', away, away, away, 'succeeded', 'succeeded'])
  stop.abort()
  await done
  expect(clock.sleeping).toBe(0)
})

it('a sign-in that has ended is reported at every look, and its successor at the next one', async () => {
  const clock = fakeClock()
  const stop = new AbortController()
  const ended = new GuestpassError('needs_reauth', 'The sign-in has ended.')
  let hasEnded = true
  const keepAliveOnce = async () => {
    if (hasEnded) throw ended
  }
  const heard: unknown[] = []
  const observer = { succeeded: () => heard.push('succeeded'), failed: (error: unknown) => heard.push(error) }
  const done = keepAlive({ keepAlive: keepAliveOnce }, { clock }).run(stop.signal, observer)
  await settle()
  await clock.advance(HOUR)
  expect(heard).toEqual(Array.from({ length: 13 }, () => ended))
  hasEnded = false
  await clock.advance(5 * MINUTE)
  expect(heard.slice(13)).toEqual(['succeeded'])
  stop.abort()
  await done
})
