import { ask, backOff, claim, guest, HOUR, LEASE, MINUTE, nowOf } from './due-guests.ts'
import type { Bench, Chapter } from './frame.ts'
import { event, HOME, put, tokens } from './samples.ts'

const AHEAD = 10 * HOUR

/** Does something while the clock is ahead; then the clock is right again. */
async function whileAhead<T>({ advance }: Bench, work: () => Promise<T>): Promise<T> {
  await advance(AHEAD)
  const value = await work()
  await advance(-AHEAD)
  return value
}

/** What a clock that was ahead wrote holds no longer than it was meant to, once the clock is right. */
export function clocksChapter({ says, expect }: Chapter): void {
  says('a lease taken by a clock that was ahead holds no longer than its time', async (bench) => {
    const { store, other, advance } = bench
    await whileAhead(bench, () => store.lease(HOME, 'renewal', 'p1', 10_000))
    await advance(10_000)
    expect((await other.lease(HOME, 'renewal', 'p2', 10_000)).granted).toEqual(true)
  })

  says('a claim on a guest by a clock that was ahead holds no longer than its lease', async (bench) => {
    const { store, other, advance } = bench
    await put(store, guest('alice', (await nowOf(store)) - 1))
    await whileAhead(bench, () => claim(store))
    await advance(LEASE)
    expect(await claim(other)).toEqual(['alice'])
    expect(await claim(store)).toEqual([])
  })

  says('says in time when a claim of a clock that was ahead ends', async (bench) => {
    const { store, other } = bench
    await put(store, guest('alice', (await nowOf(store)) - 1))
    await whileAhead(bench, () => claim(store))
    const { claimed, nextInMs = 0 } = await other.claimDue(HOME, ask)
    expect(claimed.length === 1 || nextInMs <= LEASE).toEqual(true)
  })

  says(
    'a guest that a clock that was ahead renewed is due in time: its due time was set on that clock',
    async (bench) => {
      const { store, other, advance } = bench
      await whileAhead(bench, async () => {
        const now = await nowOf(store)
        const renewed = guest('alice', now + HOUR)
        await put(store, { ...renewed, tokens: { ...tokens('alice'), sentAt: now, renewAt: now + HOUR } })
        const resting = { ...backOff(now + HOUR), ms: HOUR }
        await put(store, guest('bob', now - HOUR, 1, { backOff: resting }))
      })
      const { claimed, nextInMs = 0 } = await other.claimDue(HOME, { ...ask, max: 1 })
      expect([claimed.length, nextInMs]).toEqual([1, 0])
      expect([...claimed.map(({ id }) => id), ...(await claim(store))].toSorted()).toEqual(['alice', 'bob'])
      expect(await claim(other)).toEqual([])
      const next = (await other.claimDue(HOME, ask)).nextInMs ?? 0
      expect(next > 0 && next <= LEASE).toEqual(true)
      await advance(LEASE)
      expect((await claim(other)).toSorted()).toEqual(['alice', 'bob'])
    },
  )

  says(
    'a touch by a clock that was ahead keeps a guest no longer than its time, once it was claimed',
    async (bench) => {
      const { store, other, advance } = bench
      await put(store, guest('alice', (await nowOf(store)) - 1))
      await whileAhead(bench, () => store.touch(HOME, 'alice'))
      expect(await claim(other, { leaseMs: 1, keepForMs: HOUR })).toEqual(['alice'])
      await advance(HOUR + MINUTE)
      expect(await claim(other, { keepForMs: HOUR })).toEqual([])
    },
  )

  says('a claim on an event by a clock that was ahead holds no longer than its lease', async (bench) => {
    const { store, other, advance } = bench
    await store.commit({ connection: HOME, events: [event('1', { actor: 'to:audit' })] })
    await whileAhead(bench, () => store.outbox.claim('audit', 9, LEASE))
    await advance(LEASE)
    expect((await other.outbox.claim('audit', 9, LEASE)).map((due) => due.event.id)).toEqual([event('1').id])
    expect(await store.outbox.claim('audit', 9, LEASE)).toEqual([])
  })

  says('an event put off by a clock that was ahead comes again no later than it was put off for', async (bench) => {
    const { store, other, advance } = bench
    const [one, two] = ['1', '2'].map((id) => event(id, { actor: 'to:audit' })) as [
      ReturnType<typeof event>,
      ReturnType<typeof event>,
    ]
    await store.commit({ connection: HOME, events: [one, two] })
    await whileAhead(bench, async () => {
      await store.outbox.claim('audit', 1, LEASE)
      await store.outbox.settle('audit', [{ event: one.id, then: 'retry', inMs: HOUR, why: 'late' }])
      await store.outbox.settle('audit', [{ event: two.id, then: 'dead-letter', why: 'refused for good' }])
    })
    await advance(HOUR)
    const due = await other.outbox.claim('audit', 9, LEASE)
    expect(due.map(({ event: { id }, attempts }) => [id, attempts])).toEqual([[one.id, 1]])
    expect(await other.outbox.counts('audit')).toEqual({ waiting: 1, deadLetters: 1 })
  })

  says(
    'an event committed by a clock that was ahead is due at once, and before what its connection adds',
    async (bench) => {
      const { store, other } = bench
      const committed = (id: string) => store.commit({ connection: HOME, events: [event(id, { actor: 'to:audit' })] })
      await whileAhead(bench, () => committed('1'))
      await committed('2')
      expect((await other.outbox.claim('audit', 9, LEASE)).map((due) => due.event.id)).toEqual([
        event('1').id,
        event('2').id,
      ])
    },
  )

  says('a document written by a clock that was ahead counts as present no longer than its time', async (bench) => {
    const { store, other, advance } = bench
    const write = async (revision: number) => ({
      connection: HOME,
      documents: [
        { kind: 'note', id: 'a', value: 1, expiresAt: (await nowOf(store)) + MINUTE, expect: { revision } },
        { kind: 'note', id: 'b', value: 1, expect: { revision: 0 } },
      ],
    })
    await whileAhead(bench, async () => store.commit(await write(0)))
    await advance(MINUTE)
    expect(await other.document(HOME, 'note', 'a')).toEqual({ revision: 0 })
    const { documents } = await other.documents(HOME, { kind: 'note', limit: 9 })
    expect(documents.map(({ id }) => id)).toEqual(['b'])
    const again = { kind: 'note', id: 'a', value: 2, expect: { revision: 0 } }
    expect(await other.commit({ connection: HOME, documents: [again] })).toEqual('done')
    expect((await store.document(HOME, 'note', 'a')).value).toEqual(2)
  })

  says('a pause learned by a clock that was ahead ends after its time', async (bench) => {
    const { store, other, advance } = bench
    await whileAhead(bench, () => store.learn(HOME, 'oauth', { pauseMs: MINUTE }))
    const asked = { perMinute: 60, burst: 1, permits: 1, maxWaitMs: HOUR }
    expect((await other.reserve(HOME, 'oauth', { ...asked, maxWaitMs: 0 })).waitMs <= MINUTE).toEqual(true)
    await advance(MINUTE)
    expect(await other.reserve(HOME, 'oauth', asked)).toEqual({ granted: true, waitMs: 0, intervalMs: 0 })
  })
}
