import type { Event, Store } from '@guestpass/core'
import type { Change } from '@guestpass/core/store-kit'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import type { PgPool } from '../../src/postgres/pool.ts'
import type { SealedStore } from '../../src/postgres/index.ts'
import { type PausingPool, pausingPool } from '../helpers/pausing-pool.ts'
import { emptyTables, filePool, openPostgres, sharing } from '../helpers/postgres-database.ts'
import { event, guest, HOME } from '../helpers/samples.ts'
import { isPrepared, isWithoutPostgres, suiteTitle, type TestServer, testServer } from '../helpers/test-server.ts'

const FAR = Number.MAX_SAFE_INTEGER

const write = (id: string, generation: number) => ({
  credential: guest(id, generation),
  expect: { generation: generation - 1 },
})

const chainOf = async (store: Store): Promise<readonly (readonly [number, string])[]> =>
  (await store.chain(HOME, { limit: 9 })).links.map(({ count, event: { id } }) => [count, id] as const)

/** Two calls that cross, and what must hold after both, whatever their order was. */
interface Crossing {
  readonly prepare?: (store: Store) => Promise<unknown>
  readonly one: (store: SealedStore) => Promise<unknown>
  readonly other: (store: SealedStore) => Promise<unknown>
  readonly check: (
    answers: readonly [unknown, unknown],
    store: SealedStore,
    reopen: () => Promise<SealedStore>,
  ) => Promise<void>
}

const change = (name: string, more: Partial<Change> = {}): Change => ({
  connection: HOME,
  events: [event(name)],
  ...more,
})

const crossings: Readonly<Record<string, Crossing>> = {
  'two writes of one row': {
    one: (store) => store.commit(change('1', { writes: [write('alice', 1)] })),
    other: (store) => store.commit(change('2', { writes: [write('alice', 1)] })),
    async check(answers, store) {
      expect(answers.toSorted()).toEqual(['conflict', 'done'])
      expect(await chainOf(store)).toEqual([[1, answers[0] === 'done' ? '1' : '2']])
    },
  },
  'two writes of the same rows in opposite order': {
    one: (store) => store.commit(change('1', { writes: [write('a', 1), write('b', 1)] })),
    other: (store) => store.commit(change('2', { writes: [write('b', 1), write('a', 1)] })),
    async check(answers, store) {
      expect(answers.toSorted()).toEqual(['conflict', 'done'])
      expect((await chainOf(store)).length).toBe(1)
    },
  },
  'two first commits to one chain': {
    one: (store) => store.commit(change('1', { writes: [write('alice', 1)] })),
    other: (store) => store.commit(change('2', { writes: [write('bob', 1)] })),
    async check(answers, store) {
      expect(answers).toEqual(['done', 'done'])
      const chain = await chainOf(store)
      expect(chain.map(([count]) => count)).toEqual([1, 2])
      expect(chain.map(([, id]) => id).toSorted()).toEqual(['1', '2'])
      expect((await store.chainHead(HOME)).count).toBe(2)
    },
  },
  'two commits to one chain': {
    prepare: (store) => store.commit(change('0')),
    one: (store) => store.commit(change('1')),
    other: (store) => store.commit(change('2')),
    async check(answers, store) {
      expect(answers).toEqual(['done', 'done'])
      expect((await chainOf(store)).map(([count]) => count)).toEqual([1, 2, 3])
    },
  },
  'two claims of events': {
    prepare: (store) => store.commit(change('1', { events: ['1', '2', '3'].map((id) => event(id)) })),
    one: (store) => store.outbox.claim('audit', 2, 60_000),
    other: (store) => store.outbox.claim('audit', 2, 60_000),
    async check(answers) {
      const claimed = (answers as readonly (readonly { readonly event: Event }[])[])
        .flat()
        .map(({ event: { id } }) => id)
      expect(new Set(claimed).size).toBe(claimed.length)
      expect(claimed.length).toBeGreaterThan(1)
    },
  },
  'two claims of guests': {
    prepare: (store) => store.commit({ connection: HOME, writes: ['a', 'b', 'c'].map((id) => write(id, 1)) }),
    one: (store) => store.claimDue(HOME, { max: 2, leaseMs: 60_000, keepForMs: 60_000 }),
    other: (store) => store.claimDue(HOME, { max: 2, leaseMs: 60_000, keepForMs: 60_000 }),
    async check(answers) {
      const claimed = (answers as readonly { readonly claimed: readonly { readonly id: string }[] }[])
        .flatMap((answer) => answer.claimed)
        .map(({ id }) => id)
      expect(new Set(claimed).size).toBe(claimed.length)
      expect(claimed.length).toBeGreaterThan(1)
    },
  },
  'two requests for a lease': {
    one: (store) => store.lease(HOME, 'renewal', 'p1', 60_000),
    other: (store) => store.lease(HOME, 'renewal', 'p2', 60_000),
    async check(answers) {
      const granted = (answers as readonly { readonly granted: boolean }[]).map((answer) => String(answer.granted))
      expect(granted.toSorted()).toEqual(['false', 'true'])
    },
  },
  'two reservations of the last permit': {
    one: (store) => store.reservePermits(HOME, 'oauth', { perMinute: 1, burst: 1, permits: 1, maxWaitMs: 0 }),
    other: (store) => store.reservePermits(HOME, 'oauth', { perMinute: 1, burst: 1, permits: 1, maxWaitMs: 0 }),
    async check(answers) {
      const granted = (answers as readonly { readonly granted: boolean }[]).map((answer) => String(answer.granted))
      expect(granted.toSorted()).toEqual(['false', 'true'])
    },
  },
  'a new token and a revocation': {
    prepare: (store) => store.commit(change('0', { writes: [write('alice', 1)] })),
    one: (store) =>
      store.commit(
        change('1', {
          writes: [write('alice', 2)],
          issued: [{ credential: 'alice', fingerprint: 'f-2', expiresAt: FAR }],
        }),
      ),
    other: (store) => store.commit(change('2', { writes: [write('alice', 2)], deny: ['alice'] })),
    async check(answers, store) {
      expect(answers.toSorted()).toEqual(['conflict', 'done'])
      expect(await store.issued(HOME, 'f-2')).toBe(answers[0] === 'done')
    },
  },
  'two writes of one document': {
    one: (store) =>
      store.commit(change('1', { documents: [{ kind: 'n', id: 'a', value: 1, expect: { revision: 0 } }] })),
    other: (store) =>
      store.commit(change('2', { documents: [{ kind: 'n', id: 'a', value: 2, expect: { revision: 0 } }] })),
    async check(answers, store) {
      expect(answers.toSorted()).toEqual(['conflict', 'done'])
      expect((await store.document(HOME, 'n', 'a')).value).toBe(answers[0] === 'done' ? 1 : 2)
    },
  },
  'a commit and a rotation of the data key': {
    one: (store) => store.commit(change('1', { writes: [write('alice', 1)] })),
    other: (store) => store.keys.rotate(),
    async check([answer], _store, reopen) {
      expect(answer).toBe('done')
      // An open store remembers keys that are gone.
      const store = await reopen()
      const keys = await store.keys.list()
      expect(keys.map(({ current }) => current)).toEqual([true])
      expect((await store.find(HOME, 'alice')).credential?.tokens?.access.reveal()).toBe('a')
    },
  },
}

describe.skipIf(isWithoutPostgres)(suiteTitle('two sessions of PostgreSQL that cross'), () => {
  let test: TestServer
  let pool: PgPool
  let pausing: PausingPool
  let one: SealedStore
  let other: SealedStore

  const route = (): readonly string[] => ['audit']
  const reopen = () => openPostgres({ url: test.url, makePool: sharing(pool), route })

  beforeAll(async () => {
    test = await testServer()
    pool = filePool(test.url)
    pausing = pausingPool(pool)
    one = await openPostgres({ url: test.url, makePool: () => pausing.pool, route })
    other = await reopen()
  })
  afterAll(async () => {
    await pool.close()
    await test.stop()
  })

  /** Waits until a session waits for a lock of another one, or the promise settles. */
  async function blockedOr(settled: Promise<unknown>): Promise<void> {
    const state = { isSettled: false }
    void settled.then(
      () => (state.isSettled = true),
      () => (state.isSettled = true),
    )
    const client = await pool.connect()
    for (let waiting = 0; waiting === 0 && !state.isSettled; ) {
      const { rows } = await client.query(
        "select count(*) as n from pg_stat_activity where wait_event_type = 'Lock' and datname = current_database()",
      )
      waiting = (rows[0] as { readonly n: number }).n
    }
    client.release(false)
  }

  /** Stops the first session before its statement `at`. Returns false if it has fewer. */
  async function cross(crossing: Crossing, at: number): Promise<boolean> {
    await emptyTables(pool)
    await crossing.prepare?.(other)
    pausing.pauseAt(at)
    const first = crossing.one(one)
    const isPaused = await Promise.race([
      pausing.paused().then(() => true),
      first.then(
        () => false,
        () => false,
      ),
    ])
    const second = crossing.other(other)
    await blockedOr(second)
    pausing.resume()
    await crossing.check([await first, await second], other, reopen)
    return isPaused
  }

  // In the short run, each crossing is tried at every second statement.
  const step = isPrepared ? 1 : 2
  for (const [title, crossing] of Object.entries(crossings)) {
    it(`keep the rules of the store: ${title}, stopped before any statement`, async () => {
      let at = 1
      while (await cross(crossing, at)) at += step
      expect(at).toBeGreaterThan(2)
    })
  }

  it('does its work anew if its process slept in a transaction, which others do not wait for', async () => {
    await emptyTables(pool)
    const slept = await openPostgres({ url: test.url, makePool: () => pausing.pool, route, idleMs: 200 })
    // Before the last statement: its row is locked.
    pausing.pauseAt(4)
    const first = slept.commit(change('1', { writes: [write('alice', 1)] }))
    await pausing.paused()
    expect(await other.commit(change('2', { writes: [write('alice', 1)] }))).toBe('done')
    pausing.resume()
    expect(await first).toBe('conflict')
    expect((await chainOf(other)).map(([count, id]) => [count, id])).toEqual([[1, '2']])
  })
})
