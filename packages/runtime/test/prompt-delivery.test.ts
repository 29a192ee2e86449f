import { memoryStore } from '@guestpass/core'
import { HOUR } from '@guestpass/core/store-kit'
import { fakeClock } from '@guestpass/core/testing'
import { expect, it } from 'vitest'
import { createObservedStore } from '../src/observed-store.ts'
import { createPromptDelivery } from '../src/prompt-delivery.ts'

it('says again which endpoints are configured, for as long as a program delivers', async () => {
  const clock = fakeClock()
  let said = 0
  const webhooks = {
    register: async () => void (said += 1),
    route: async () => 0,
    send: async () => 0,
    counts: async () => ({ waiting: 0, deadLetters: 0 }),
    endpoints: { all: async () => [] } as never,
  }
  const delivery = createPromptDelivery({ webhooks, relays: [] }, createObservedStore(memoryStore({ clock })), clock)
  delivery.start()
  await clock.advance(3 * HOUR)
  expect(said).toBe(4)
  const closing = delivery.close()
  await clock.advance(HOUR)
  await closing
  await clock.advance(3 * HOUR)
  expect([said, clock.sleeping]).toEqual([4, 0])
})
