import type { TestTools } from './suite.ts'
import { credential, event, HOME, NEIGHBOUR, revealed, put, write } from './samples.ts'

const theirs = (generation: number) => credential('same', generation, { connection: NEIGHBOUR })

export function isolatedDataCases({ test, expect }: TestTools): void {
  test('keeps credentials of the same id apart', async ({ store }) => {
    await put(store, credential('same', 3))
    expect((await store.find(NEIGHBOUR, 'same')).revision).toEqual(0)
    await put(store, theirs(1))
    await store.commit({ connection: NEIGHBOUR, writes: [write(theirs(2))] })
    expect(revealed((await store.find(HOME, 'same')).credential)).toEqual(revealed(credential('same', 3)))
    expect(revealed((await store.find(NEIGHBOUR, 'same')).credential)).toEqual(revealed(theirs(2)))
  })

  test('lists the credentials of one connection', async ({ store }) => {
    await put(store, credential('same', 1))
    await put(store, theirs(1))
    const { credentials } = await store.list(NEIGHBOUR, { kind: 'guest', limit: 9 })
    expect(credentials.map(revealed)).toEqual([revealed(theirs(1))])
  })

  test('checks expectations within the connection', async ({ store }) => {
    await put(store, credential('same', 3))
    expect(await store.commit({ connection: NEIGHBOUR, writes: [write(theirs(4), 3)] })).toEqual('conflict')
  })

  test('keeps denials of connections apart', async ({ store }) => {
    const issued = [{ credential: 'same', fingerprint: 'f', expiresAt: Number.MAX_SAFE_INTEGER }]
    await store.commit({ connection: HOME, issued })
    await store.commit({ connection: NEIGHBOUR, issued, deny: ['same'] })
    await store.commit({ connection: NEIGHBOUR, deny: ['same'] })
    expect([await store.denied(HOME, 'f'), await store.denied(NEIGHBOUR, 'f')]).toEqual([false, true])
  })

  test('keeps events of connections apart', async ({ store }) => {
    await store.commit({ connection: HOME, events: [event('1')] })
    await store.commit({ connection: NEIGHBOUR, events: [event('2', { connection: NEIGHBOUR })] })
    expect((await store.events(HOME, { limit: 9 })).events).toEqual([event('1')])
    expect((await store.events(NEIGHBOUR, { limit: 9 })).events).toEqual([event('2', { connection: NEIGHBOUR })])
  })
}

export function isolatedCoordinationCases({ test, expect }: TestTools): void {
  test('keeps leases of connections apart', async ({ store }) => {
    await store.lease(HOME, 'renewal', 'p1', 1_000)
    expect((await store.lease(NEIGHBOUR, 'renewal', 'p2', 1_000)).granted).toEqual(true)
    await store.release(NEIGHBOUR, 'renewal', 'p1')
    await store.release(HOME, 'renewal', 'p2')
    expect((await store.lease(HOME, 'renewal', 'p2', 1_000)).granted).toEqual(false)
    expect((await store.lease(NEIGHBOUR, 'renewal', 'p1', 1_000)).granted).toEqual(false)
  })

  test('keeps permits, pauses and learned limits of connections apart', async ({ store }) => {
    const request = { perMinute: 60, burst: 1, permits: 2, maxWaitMs: 60_000 }
    await store.reservePermits(HOME, 'oauth', { ...request, permits: 9 })
    await store.applyFeedback(HOME, 'oauth', { pauseMs: 9_000, perMinute: 1 })
    const unused = { perMinute: 60, waitMs: 0, pauseMs: 0 }
    expect(await store.rateLimitState(NEIGHBOUR, 'oauth', { perMinute: 60, burst: 1 })).toEqual(unused)
    expect(await store.reservePermits(NEIGHBOUR, 'oauth', request)).toEqual({
      granted: true,
      waitMs: 0,
      intervalMs: 1_000,
    })
  })

  test('keeps facts of connections apart', async ({ store }) => {
    await store.setFact(HOME, 'keys', 'ours')
    await store.setFact(NEIGHBOUR, 'keys', 'theirs')
    expect([await store.fact(HOME, 'keys'), await store.fact(NEIGHBOUR, 'keys')]).toEqual(['ours', 'theirs'])
  })
}
