import type { Store } from '../../ports/store.ts'
import { codeOf, type TestTools } from './suite.ts'
import { event, HOME, NEIGHBOUR } from './samples.ts'

const LEASE = 30_000
const [one, two, three] = ['1', '2', '3'].map((id) => event(id, { actor: 'to:hub' })) as [
  ReturnType<typeof event>,
  ReturnType<typeof event>,
  ReturnType<typeof event>,
]

const send = (store: Store) => store.commit({ connection: HOME, events: [one, two, three] })
const claim = async (store: Store, sink: string): Promise<readonly string[]> =>
  (await store.outbox.claim(sink, 9, LEASE)).map((due) => due.event.id)
const deadLetter = (store: Store, sink: string, ...events: readonly string[]) =>
  store.outbox.settle(
    sink,
    events.map((id) => ({ event: id, then: 'dead-letter', why: `no answer to ${id}` })),
  )

export function outboxQueueCases({ test, expect }: TestTools): void {
  test('routes events to other sinks, and removes them from its own queue', async ({ store, other }) => {
    await send(store)
    await claim(store, 'hub')
    await store.outbox.route('hub', [
      { event: one.id, to: ['x', 'y', 'x'] },
      { event: two.id, to: [] },
    ])
    expect([await claim(other, 'x'), await claim(other, 'y')]).toEqual([[one.id], [one.id]])
    expect(await other.outbox.counts('hub')).toEqual({ waiting: 1, deadLetters: 0 })
  })

  test('routes no event that is not in the queue of the sink', async ({ store }) => {
    await send(store)
    await store.outbox.route('unknown', [{ event: one.id, to: ['x'] }])
    expect(await claim(store, 'x')).toEqual([])
    expect((await store.outbox.counts('hub')).waiting).toEqual(3)
  })

  test('enqueues dead letters, done events and events that were never routed to the sink', async ({ store, other }) => {
    await send(store)
    await deadLetter(store, 'hub', one.id)
    await store.outbox.settle('hub', [{ event: two.id, then: 'done' }])
    expect(await other.outbox.enqueue(HOME, 'hub', [one.id, two.id, 'unknown'])).toEqual(2)
    const again = await store.outbox.claim('hub', 9, LEASE)
    expect(again.map(({ event: due, attempts }) => `${due.id} ${attempts}`).toSorted()).toEqual(
      [one, two, three].map((due) => `${due.id} 0`),
    )
    expect(await other.outbox.enqueue(HOME, 'x', [three.id])).toEqual(1)
    expect(await claim(store, 'x')).toEqual([three.id])
  })

  test('enqueues no event of another connection', async ({ store }) => {
    await send(store)
    expect(await store.outbox.enqueue(NEIGHBOUR, 'x', [one.id])).toEqual(0)
    expect(await claim(store, 'x')).toEqual([])
  })

  test('drops the queue of one sink and of no other', async ({ store, other }) => {
    await send(store)
    await store.outbox.enqueue(HOME, 'x', [one.id])
    await deadLetter(store, 'hub', two.id)
    await store.outbox.drop('hub')
    expect([await other.outbox.counts('hub'), await other.outbox.counts('x')]).toEqual([
      { waiting: 0, deadLetters: 0 },
      { waiting: 1, deadLetters: 0 },
    ])
  })
}

export function deadLetterCases({ test, expect }: TestTools): void {
  test('makes due what failed and waits, and nothing else, if it can', async ({ store, other }) => {
    if (!store.outbox.retryNow) return
    await send(store)
    await claim(store, 'hub')
    await store.outbox.settle('hub', [{ event: one.id, then: 'retry', inMs: 3_600_000, why: 'HTTP 503' }])
    await deadLetter(store, 'hub', two.id)
    expect(await claim(other, 'hub')).toEqual([])
    expect(await other.outbox.retryNow?.('hub')).toEqual(1)
    const due = await store.outbox.claim('hub', 9, LEASE)
    expect(due.map(({ event: found, attempts }) => [found.id, attempts])).toEqual([[one.id, 1]])
  })

  test('lists the dead letters of a sink page by page, with the reason', async ({ store, other }) => {
    await send(store)
    await deadLetter(store, 'hub', three.id, one.id, two.id)
    const first = await other.outbox.deadLetters('hub', { limit: 2 })
    const second = await other.outbox.deadLetters('hub', { limit: 2, after: first.next ?? '' })
    expect(first.messages.map((message) => [message.event, message.attempts, message.why])).toEqual([
      [one, 1, `no answer to ${one.id}`],
      [two, 1, `no answer to ${two.id}`],
    ])
    expect([second.messages.map((message) => message.event), 'next' in second]).toEqual([[three], false])
    expect(await other.outbox.counts('hub')).toEqual({ waiting: 0, deadLetters: 3 })
    expect(await other.outbox.counts('hub', 2)).toEqual({ waiting: 0, deadLetters: 2 })
    expect(await codeOf(store.outbox.deadLetters('hub', { limit: 0 }))).toEqual('invalid_input')
  })

  test('counts waiting events up to a bound', async ({ store, other }) => {
    await send(store)
    await store.outbox.claim('hub', 1, LEASE)
    const bounds = [2, 3, 9].map(async (most) => (await other.outbox.counts('hub', most)).waiting)
    expect(await Promise.all(bounds)).toEqual([2, 3, 3])
    expect(await codeOf(store.outbox.counts('hub', 0))).toEqual('invalid_input')
  })
}
