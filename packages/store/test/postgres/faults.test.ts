import { GuestpassError, type Store } from '@guestpass/core'
import type { Change } from '@guestpass/core/store-kit'
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import type { PgPool } from '../../src/postgres/pool.ts'
import type { SealedStore } from '../../src/postgres/index.ts'
import { type Fault, faultyPool } from '../helpers/faulty-pool.ts'
import { emptyTables, filePool, openPostgres } from '../helpers/postgres-database.ts'
import { event, guest, HOME } from '../helpers/samples.ts'
import { isPrepared, isWithoutPostgres, suiteTitle, type TestServer, testServer } from '../helpers/test-server.ts'

const change = (id: string): Change => ({
  connection: HOME,
  writes: [
    { credential: guest(id), expect: { generation: 0 } },
    { credential: guest(`${id}-b`), expect: { generation: 0 } },
  ],
  documents: [{ kind: 'note', id, value: id, expect: { revision: 0 } }],
  events: [event(`${id}-1`), event(`${id}-2`)],
  issued: [{ credential: id, fingerprint: `f-${id}`, expiresAt: Number.MAX_SAFE_INTEGER }],
})

/** What the store holds after `change`, each thing once. */
async function stored(store: Store, id: string): Promise<unknown> {
  const { links } = await store.chain(HOME, { limit: 9 })
  return {
    revisions: [(await store.find(HOME, id)).revision, (await store.find(HOME, `${id}-b`)).revision],
    document: (await store.document(HOME, 'note', id)).value,
    events: links.map(({ count, event: { id: name } }) => [count, name]),
    waiting: (await store.outbox.counts('audit')).waiting,
    issued: await store.issued(HOME, `f-${id}`),
  }
}

const whole = (id: string): unknown => ({
  revisions: [1, 1],
  document: id,
  events: [
    [1, `${id}-1`],
    [2, `${id}-2`],
  ],
  waiting: 2,
  issued: true,
})

/** In the short run, one code: the others take the same way. */
const codes = isPrepared ? ['40001', '40P01', '55P03', '57P01', '08006', '25006'] : ['57P01']

/** What has a fault of its own. */
const isUncounted = (text: string): boolean => text === 'connect' || text === 'rollback'
/** Statements of a sweep, which runs beside commits. */
const isOfSweep = (text: string): boolean => /^commit$|skip locked|synchronous_commit = off/.test(text)

describe.skipIf(isWithoutPostgres)(suiteTitle('a store in PostgreSQL whose statements fail'), () => {
  let test: TestServer
  let pool: PgPool
  /** Opened once. The faults of a test go to its statements. */
  let store: SealedStore
  let script: (text: string) => Fault | undefined = () => undefined

  beforeAll(async () => {
    test = await testServer()
    pool = filePool(test.url)
    await (await openPostgres({ url: test.url })).close()
    const makePool = () => faultyPool(pool, { next: (text) => script(text) })
    store = await openPostgres({ url: test.url, makePool, route: () => ['audit'], waitMs: 5_000 })
  })
  beforeEach(async () => {
    script = () => undefined
    await emptyTables(pool)
  })
  afterAll(async () => {
    await pool.close()
    await test.stop()
  })

  /** Runs work with a fault at its statement `at`. Returns the statement; undefined if there are not so many. */
  async function withFaultAt(
    at: number,
    fault: Fault,
    work: () => Promise<void>,
    isOther: (text: string) => boolean = () => false,
  ): Promise<string | undefined> {
    let seen = 0
    let failed: string | undefined
    script = (text) => {
      if (isUncounted(text) || isOther(text)) return undefined
      seen += 1
      if (seen !== at) return undefined
      failed = text
      return fault
    }
    await work()
    script = () => undefined
    return failed
  }

  for (const code of codes) {
    // A server that says that it has rolled back, or that it is read-only, has not stored anything.
    for (const when of /^(?:40|55|25)/.test(code) ? (['before'] as const) : (['before', 'after'] as const)) {
      it(`stores a change once if any statement fails with ${code}, ${when} it took effect`, async () => {
        const statements: string[] = []
        for (let at = 1; ; at += 1) {
          await emptyTables(pool)
          const id = `guest-${at}`
          const commit = async () => {
            expect(await store.commit(change(id))).toBe('done')
          }
          const failed = await withFaultAt(at, { code, when }, commit, isOfSweep)
          expect(await stored(store, id)).toEqual(whole(id))
          if (failed === undefined) break
          statements.push(failed)
        }
        expect(statements.length).toBeGreaterThan(6)
        expect(statements.filter((text) => text.endsWith('commit')).length).toBeGreaterThan(0)
      })
    }
  }

  it('reads, leases, claims and reserves although each statement fails once', async () => {
    await store.commit(change('alice'))
    const calls: readonly (() => Promise<unknown>)[] = [
      () => store.find(HOME, 'alice'),
      () => store.list(HOME, { kind: 'guest', limit: 9 }),
      () => store.lease(HOME, 'renewal', 'p1', 1_000, 'alice'),
      () => store.reservePermits(HOME, 'oauth', { perMinute: 60, burst: 9, permits: 1, maxWaitMs: 0 }),
      () => store.touch(HOME, 'alice'),
      () => store.outbox.claim('audit', 9, 1),
      () => store.connections(),
      () => store.chainHead(HOME),
    ]
    for (const call of calls) {
      for (const code of codes) {
        for (let at = 1; ; at += 1) {
          const failed = await withFaultAt(at, { code, when: 'before' }, async () => void (await call()))
          if (failed === undefined) break
        }
      }
    }
  })

  it('waits for a connection while the server has none free', async () => {
    let left = 3
    script = (text) => {
      if (text !== 'connect' || left === 0) return undefined
      left -= 1
      return { code: '53300', when: 'before' }
    }
    expect(await store.commit(change('alice'))).toBe('done')
    expect(await stored(store, 'alice')).toEqual(whole('alice'))
  })

  it('says that the server is unreachable, when to retry, and that a change may be stored; the same change is done then', async () => {
    const short = await openPostgres({
      url: test.url,
      makePool: () => faultyPool(pool, { next: (text) => script(text) }),
      route: () => ['audit'],
      waitMs: 50,
    })
    const one = change('alice')
    let isGone = false
    script = (text) => {
      if (isGone) return { code: '08006', when: 'before' }
      if (!text.endsWith('commit')) return undefined
      isGone = true
      return { code: '08006', when: 'after' }
    }
    const error: unknown = await short.commit(one).catch((thrown: unknown) => thrown)
    script = () => undefined
    if (!(error instanceof GuestpassError)) throw new Error('The commit did not fail.')
    expect([error.code, error.reason, error.retryable, error.retryAt === undefined]).toEqual([
      'store_unavailable',
      'unreachable',
      true,
      false,
    ])
    expect(error.message).toContain('It is not known whether the last change was stored.')
    expect(await short.commit(one)).toBe('done')
    expect(await stored(store, 'alice')).toEqual(whole('alice'))
    expect(await short.commit(change('alice'))).toBe('conflict')
  })

  it('takes the id of a commit that it found missing, so that it cannot take effect later', async () => {
    let isLost = false
    script = (text) => {
      // The commit of a sweep, which an earlier test may have begun, has no id.
      if (isLost || !/insert into commit_ids.*commit$/s.test(text)) return undefined
      isLost = true
      return { code: '08006', when: 'before' }
    }
    expect(await store.commit(change('alice'))).toBe('done')
    const client = await pool.connect()
    const { rows } = await client.query('select is_void from commit_ids order by is_void')
    client.release(false)
    expect(rows).toEqual([{ is_void: 0 }, { is_void: 1 }])
  })
})
