import { dueRequest, backOff, claim, guest, HOUR, LEASE, MINUTE, nowOf } from './guest-samples.ts'
import type { StoreHandles, TestTools } from './suite.ts'
import { event, HOME, put, tokens } from './samples.ts'

const AHEAD_MS = 10 * HOUR

/** Runs `work` while the clock is ten hours ahead, then puts the clock right. */
async function whileAhead<T>({ advance }: StoreHandles, work: () => Promise<T>): Promise<T> {
  await advance(AHEAD_MS)
  const value = await work()
  await advance(-AHEAD_MS)
  return value
}

export function guestClockCases({ test, expect }: TestTools): void {
  test('ends a claim on a guest that was made while the clock was ahead after its lease', async (handles) => {
    const { store, other, advance } = handles
    await put(store, guest('alice', (await nowOf(store)) - 1))
    await whileAhead(handles, () => claim(store))
    await advance(LEASE)
    expect(await claim(other)).toEqual(['alice'])
    expect(await claim(store)).toEqual([])
  })

  test('reports the end of a claim that was made while the clock was ahead, within its lease', async (handles) => {
    const { store, other } = handles
    await put(store, guest('alice', (await nowOf(store)) - 1))
    await whileAhead(handles, () => claim(store))
    const { claimed, nextInMs = 0 } = await other.claimDue(HOME, dueRequest)
    expect(claimed.length === 1 || nextInMs <= LEASE).toEqual(true)
  })

  test('gives a guest at once that was renewed while the clock was ahead', async (handles) => {
    const { store, other, advance } = handles
    await whileAhead(handles, async () => {
      const now = await nowOf(store)
      const renewed = guest('alice', now + HOUR)
      await put(store, { ...renewed, tokens: { ...tokens('alice'), sentAt: now, renewAt: now + HOUR } })
      const resting = { ...backOff(now + HOUR), ms: HOUR }
      await put(store, guest('bob', now - HOUR, 1, { backOff: resting }))
    })
    const { claimed, nextInMs = 0 } = await other.claimDue(HOME, { ...dueRequest, max: 1 })
    expect([claimed.length, nextInMs]).toEqual([1, 0])
    expect([...claimed.map(({ id }) => id), ...(await claim(store))].toSorted()).toEqual(['alice', 'bob'])
    expect(await claim(other)).toEqual([])
    const next = (await other.claimDue(HOME, dueRequest)).nextInMs ?? 0
    expect(next > 0 && next <= LEASE).toEqual(true)
    await advance(LEASE)
    expect((await claim(other)).toSorted()).toEqual(['alice', 'bob'])
  })

  test('counts a touch while the clock was ahead for keepForMs at most, once the guest was claimed', async (handles) => {
    const { store, other, advance } = handles
    await put(store, guest('alice', (await nowOf(store)) - 1))
    await whileAhead(handles, () => store.touch(HOME, 'alice'))
    expect(await claim(other, { leaseMs: 1, keepForMs: HOUR })).toEqual(['alice'])
    await advance(HOUR + MINUTE)
    expect(await claim(other, { keepForMs: HOUR })).toEqual([])
  })
}

export function outboxClockCases({ test, expect }: TestTools): void {
  test('ends a claim on an event that was made while the clock was ahead after its lease', async (handles) => {
    const { store, other, advance } = handles
    await store.commit({ connection: HOME, events: [event('1', { actor: 'to:audit' })] })
    await whileAhead(handles, () => store.outbox.claim('audit', 9, LEASE))
    await advance(LEASE)
    expect((await other.outbox.claim('audit', 9, LEASE)).map((due) => due.event.id)).toEqual([event('1').id])
    expect(await store.outbox.claim('audit', 9, LEASE)).toEqual([])
  })

  test('gives an event again whose retry was set while the clock was ahead, after its delay', async (handles) => {
    const { store, other, advance } = handles
    const [one, two] = ['1', '2'].map((id) => event(id, { actor: 'to:audit' })) as [
      ReturnType<typeof event>,
      ReturnType<typeof event>,
    ]
    await store.commit({ connection: HOME, events: [one, two] })
    await whileAhead(handles, async () => {
      await store.outbox.claim('audit', 1, LEASE)
      await store.outbox.settle('audit', [{ event: one.id, then: 'retry', inMs: HOUR, why: 'late' }])
      await store.outbox.settle('audit', [{ event: two.id, then: 'dead-letter', why: 'refused for good' }])
    })
    await advance(HOUR)
    const due = await other.outbox.claim('audit', 9, LEASE)
    expect(due.map(({ event: { id }, attempts }) => [id, attempts])).toEqual([[one.id, 1]])
    expect(await other.outbox.counts('audit')).toEqual({ waiting: 1, deadLetters: 1 })
  })

  test('gives an event at once that was committed while the clock was ahead, before later events', async (handles) => {
    const { store, other } = handles
    const committed = (id: string) => store.commit({ connection: HOME, events: [event(id, { actor: 'to:audit' })] })
    await whileAhead(handles, () => committed('1'))
    await committed('2')
    expect((await other.outbox.claim('audit', 9, LEASE)).map((due) => due.event.id)).toEqual([
      event('1').id,
      event('2').id,
    ])
  })
}

export function sharedClockCases({ test, expect }: TestTools): void {
  test('ends a lease that was taken while the clock was ahead after its length', async (handles) => {
    const { store, other, advance } = handles
    await whileAhead(handles, () => store.lease(HOME, 'renewal', 'p1', 10_000))
    await advance(10_000)
    expect((await other.lease(HOME, 'renewal', 'p2', 10_000)).granted).toEqual(true)
  })

  test('expires a document that was written while the clock was ahead after its lifetime', async (handles) => {
    const { store, other, advance } = handles
    const write = async (revision: number) => ({
      connection: HOME,
      documents: [
        { kind: 'note', id: 'a', value: 1, expiresAt: (await nowOf(store)) + MINUTE, expect: { revision } },
        { kind: 'note', id: 'b', value: 1, expect: { revision: 0 } },
      ],
    })
    await whileAhead(handles, async () => store.commit(await write(0)))
    await advance(MINUTE)
    expect(await other.document(HOME, 'note', 'a')).toEqual({ revision: 0 })
    const { documents } = await other.documents(HOME, { kind: 'note', limit: 9 })
    expect(documents.map(({ id }) => id)).toEqual(['b'])
    const again = { kind: 'note', id: 'a', value: 2, expect: { revision: 0 } }
    expect(await other.commit({ connection: HOME, documents: [again] })).toEqual('done')
    expect((await store.document(HOME, 'note', 'a')).value).toEqual(2)
  })

  test('ends a pause that was set while the clock was ahead after its length', async (handles) => {
    const { store, other, advance } = handles
    await whileAhead(handles, () => store.applyFeedback(HOME, 'oauth', { pauseMs: MINUTE }))
    const request = { perMinute: 60, burst: 1, permits: 1, maxWaitMs: HOUR }
    expect((await other.reservePermits(HOME, 'oauth', { ...request, maxWaitMs: 0 })).waitMs <= MINUTE).toEqual(true)
    await advance(MINUTE)
    expect(await other.reservePermits(HOME, 'oauth', request)).toEqual({ granted: true, waitMs: 0, intervalMs: 0 })
  })
}
