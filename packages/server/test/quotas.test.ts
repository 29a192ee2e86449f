import { fakeClock } from '@guestpass/core/testing'
import { memoryStore } from '@guestpass/core'
import { expect, it } from 'vitest'
import { createQuotas } from '../src/auth/quotas.ts'
import type { Caller } from '../src/auth/caller.ts'

it('a quota writes once for the requests of a second, holds back the rest, and refills', async () => {
  const clock = fakeClock()
  const store = memoryStore({ clock })
  let writes = 0
  const counted = {
    ...store,
    reservePermits: (...args: Parameters<typeof store.reservePermits>) => (
      (writes += 1), store.reservePermits(...args)
    ),
  }
  const served = { name: 'default', runtime: { store: counted } } as unknown as Caller['served']
  const quotas = createQuotas(600, clock)
  const take = () => quotas.take({ id: 'a', perMinute: undefined, served })
  await Promise.all(Array.from({ length: 600 }, take))
  expect(writes).toBe(60)
  await expect(take()).rejects.toMatchObject({ code: 'quota_exceeded', retryAt: expect.any(Number) })
  await expect(take()).rejects.toMatchObject({ code: 'quota_exceeded' })
  expect(writes).toBe(61)
  await clock.advance(1_100)
  await take()
  expect(writes).toBe(62)
})
