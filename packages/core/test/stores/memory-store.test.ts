import { describe, expect, it } from 'vitest'
import { DAY, HOUR } from '../../src/domain/time.ts'
import { createMemoryDocuments } from '../../src/stores/memory-documents.ts'
import { memoryStore } from '../../src/stores/memory-store.ts'
import { fakeClock, storeContract } from '../../src/testing/index.ts'
import { credential, event, HOME, write } from '../../src/testing/store-contract/samples.ts'

describe('a store in memory', () => {
  storeContract(
    async (route) => {
      const clock = fakeClock()
      return { store: memoryStore({ clock, route }), advance: (ms) => clock.stepWall(ms) }
    },
    { describe, it, expect },
  )

  it('stores nothing if the route of an event throws', async () => {
    const route = (): string[] => {
      throw new Error('no such sink')
    }
    const store = memoryStore({ clock: fakeClock(), route })
    const change = { connection: HOME, writes: [write(credential('alice', 1))], events: [event('1')] }
    await expect(store.commit(change)).rejects.toThrow('no such sink')
    expect((await store.find(HOME, 'alice')).revision).toBe(0)
    expect((await store.events(HOME, { limit: 9 })).events).toEqual([])
  })

  it('removes the oldest events of a connection', async () => {
    const store = memoryStore({ clock: fakeClock(), keepEvents: 10 })
    for (let id = 1; id <= 50; id += 1) await store.commit({ connection: HOME, events: [event(`${id}`)] })
    const { events } = await store.events(HOME, { limit: 1_000 })
    expect(events.length).toBeLessThanOrEqual(20)
    expect(events.at(-1)).toEqual(event('50'))
  })

  it('removes documents a day after they expired', () => {
    const documents = createMemoryDocuments()
    const put = (id: string, now: number, expiresAt?: number): void =>
      documents.put(
        { kind: 'k', id, value: 1, ...(expiresAt === undefined ? {} : { expiresAt }), expect: { revision: 0 } },
        now,
      )
    put('kept', 0)
    for (let at = 0; at < 20_000; at += 1) put(`${at}`, at * HOUR, (at + 1) * HOUR)
    expect(documents.size).toBeLessThanOrEqual(1_000)
    const now = 20_000 * HOUR
    expect(documents.get('k', 'kept', now).value).toBe(1)
    expect(documents.snapshot(now).rows.filter(({ expiresAt }) => expiresAt > now - DAY)).toHaveLength(25)
  })

  it('ends a lease if the clock goes back by more than its length', async () => {
    const clock = fakeClock()
    const store = memoryStore({ clock })
    await store.lease(HOME, 'renewal', 'p1', 10_000)
    clock.stepWall(-500)
    expect((await store.lease(HOME, 'renewal', 'p2', 10_000)).granted).toBe(false)
    clock.stepWall(-3_600_000)
    expect((await store.lease(HOME, 'renewal', 'p2', 10_000)).granted).toBe(true)
  })
})
