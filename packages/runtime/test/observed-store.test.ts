import { memoryStore, type Store } from '@guestpass/core'
import { fakeClock } from '@guestpass/core/testing'
import { expect, it } from 'vitest'
import { createObservedStore } from '../src/observed-store.ts'

it('passes every call on to a store that is an instance of a class', async () => {
  const inner = memoryStore({ clock: fakeClock() })
  class ForeignStore {
    readonly #inner = inner
    readonly outbox = inner.outbox

    commit(...of: Parameters<Store['commit']>) {
      return this.#inner.commit(...of)
    }

    fact(...of: Parameters<Store['fact']>) {
      return this.#inner.fact(...of)
    }

    setFact(...of: Parameters<Store['setFact']>) {
      return this.#inner.setFact(...of)
    }
  }
  const { store } = createObservedStore(new ForeignStore() as unknown as Store)
  await store.setFact('default', 'clock', 5)
  expect(await store.fact('default', 'clock')).toBe(5)
  expect(await store.commit({ connection: 'default' })).toBe('done')
})
