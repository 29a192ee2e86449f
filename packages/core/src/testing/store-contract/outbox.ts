import type { DeliveryOutcome, Store } from '../../ports/store.ts'
import type { TestTools } from './suite.ts'
import { event, HOME, NEIGHBOUR } from './samples.ts'

const LEASE = 30_000
const one = event('1', { actor: 'to:audit,webhook' })
const two = event('2', { actor: 'to:audit,webhook' })

const send = async (store: Store): Promise<void> => {
  await store.commit({ connection: HOME, events: [one] })
  await store.commit({ connection: HOME, events: [two] })
}

/** Ids and attempts of the events that a sink gets now. */
const claim = async (store: Store, sink: string, max = 9): Promise<[string, number][]> =>
  (await store.outbox.claim(sink, max, LEASE)).map((due) => [due.event.id, due.attempts])

const retry = (inMs: number): DeliveryOutcome => ({
  event: one.id,
  then: 'retry',
  inMs,
  why: 'the endpoint answered 503',
})

export function outboxRouteCases({ test, expect }: TestTools): void {
  test('gives a sink its whole events in commit order', async ({ store, other }) => {
    await send(store)
    expect(await other.outbox.claim('audit', 9, LEASE)).toEqual([
      { event: one, attempts: 0 },
      { event: two, attempts: 0 },
    ])
  })

  test('gives an event only to the sinks of its route', async ({ store }) => {
    await store.commit({ connection: HOME, events: [event('1', { actor: 'to:audit' }), event('2')] })
    expect([(await claim(store, 'audit')).length, (await claim(store, 'webhook')).length]).toEqual([1, 0])
  })

  test('names each sink of an event once, and stores nothing', async ({ store, other }) => {
    expect(store.outbox.sinksFor(event('1', { actor: 'to:audit,webhook,audit' }))).toEqual(['audit', 'webhook'])
    expect(other.outbox.sinksFor(event('2'))).toEqual([])
    expect([await claim(store, 'audit'), (await store.events(HOME, { limit: 9 })).events.length]).toEqual([[], 0])
  })

  test('keeps the queues of sinks apart', async ({ store, other, advance }) => {
    await send(store)
    await claim(store, 'audit')
    await store.outbox.settle('audit', [
      { event: one.id, then: 'done' },
      { event: two.id, then: 'dead-letter', why: 'refused for good' },
    ])
    const both = [
      [one.id, 0],
      [two.id, 0],
    ]
    expect(await claim(other, 'webhook')).toEqual(both)
    await store.outbox.settle('audit', [{ event: one.id, then: 'retry', inMs: 1, why: 'late' }])
    await advance(LEASE)
    expect(await claim(other, 'webhook')).toEqual(both)
  })

  test('gives a sink the events of all connections', async ({ store }) => {
    await store.commit({ connection: HOME, events: [one] })
    await store.commit({ connection: NEIGHBOUR, events: [{ ...two, connection: NEIGHBOUR }] })
    const due = await store.outbox.claim('audit', 9, LEASE)
    expect(due.map((entry) => entry.event.connection)).toEqual([HOME, NEIGHBOUR])
  })
}

export function outboxClaimCases({ test, expect }: TestTools): void {
  test('gives at most max events, and the rest to the next claim', async ({ store, other }) => {
    await send(store)
    expect(await claim(store, 'audit', 1)).toEqual([[one.id, 0]])
    expect(await claim(other, 'audit', 9)).toEqual([[two.id, 0]])
  })

  test('gives a claimed event to no other relay before the lease ends', async ({ store, other, advance }) => {
    await send(store)
    await claim(store, 'audit')
    await advance(LEASE - 1)
    expect(await claim(other, 'audit')).toEqual([])
    await advance(1)
    expect(await claim(other, 'audit')).toEqual([
      [one.id, 0],
      [two.id, 0],
    ])
  })

  test('gives each event to one of several concurrent claims', async ({ store, other }) => {
    await store.commit({
      connection: HOME,
      events: Array.from({ length: 30 }, (_, index) => event(`${index}`, { actor: 'to:audit' })),
    })
    const taken = await Promise.all([store, other, store, other].map((handle) => claim(handle, 'audit', 10)))
    expect(new Set(taken.flat().map(([id]) => id)).size).toEqual(30)
  })
}

export function outboxOutcomeCases({ test, expect }: TestTools): void {
  test('gives no event again that is done', async ({ store, other, advance }) => {
    await send(store)
    await claim(store, 'audit')
    await store.outbox.settle('audit', [{ event: one.id, then: 'done' }])
    await advance(LEASE)
    expect(await claim(other, 'audit')).toEqual([[two.id, 0]])
  })

  test('gives an event again after its retry delay, and counts the attempts', async ({ store, other, advance }) => {
    await send(store)
    await claim(store, 'audit')
    await store.outbox.settle('audit', [retry(5_000), { event: two.id, then: 'done' }])
    await advance(4_999)
    expect(await claim(other, 'audit')).toEqual([])
    await advance(1)
    expect(await claim(other, 'audit')).toEqual([[one.id, 1]])
    await other.outbox.settle('audit', [retry(LEASE * 2)])
    await advance(LEASE)
    expect(await claim(store, 'audit')).toEqual([])
    await advance(LEASE)
    expect(await claim(store, 'audit')).toEqual([[one.id, 2]])
  })

  test('gives a retried event before events that were committed after it', async ({ store, advance }) => {
    await store.commit({ connection: HOME, events: [one] })
    await claim(store, 'audit')
    await store.outbox.settle('audit', [retry(1_000)])
    await store.commit({ connection: HOME, events: [two] })
    await advance(1_000)
    expect([await claim(store, 'audit', 1), await claim(store, 'audit', 1)]).toEqual([[[one.id, 1]], [[two.id, 0]]])
  })

  test('gives a released event at once, and counts no attempt', async ({ store, other }) => {
    await send(store)
    await claim(store, 'audit')
    await store.outbox.settle('audit', [{ event: one.id, then: 'release' }])
    expect(await claim(other, 'audit')).toEqual([[one.id, 0]])
    await other.outbox.settle('audit', [retry(0)])
    expect(await claim(store, 'audit')).toEqual([[one.id, 1]])
    await store.outbox.settle('audit', [{ event: one.id, then: 'release' }])
    expect(await claim(other, 'audit')).toEqual([[one.id, 1]])
  })

  test('gives no dead letter', async ({ store, other, advance }) => {
    await send(store)
    await claim(store, 'audit')
    await store.outbox.settle('audit', [{ event: one.id, then: 'dead-letter', why: 'refused for good' }])
    await advance(365 * 86_400_000)
    expect(await claim(other, 'audit')).toEqual([[two.id, 0]])
  })

  test('ignores the outcome of an event that is not queued', async ({ store }) => {
    await send(store)
    await store.outbox.settle('webhook', [{ event: event('99').id, then: 'done' }])
    await store.outbox.settle('unknown', [retry(0)])
    expect([(await claim(store, 'webhook')).length, (await claim(store, 'unknown')).length]).toEqual([2, 0])
  })
}
