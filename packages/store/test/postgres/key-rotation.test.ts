import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { isRepeatable } from '../../src/postgres/errors.ts'
import type { PgClient, PgPool } from '../../src/postgres/pool.ts'
import { filePool, openPostgres, sharing } from '../helpers/postgres-database.ts'
import { guest, HOME } from '../helpers/samples.ts'
import { isWithoutPostgres, suiteTitle, type TestServer, testServer } from '../helpers/test-server.ts'

describe.skipIf(isWithoutPostgres)(suiteTitle('a key rotation in PostgreSQL'), () => {
  let test: TestServer
  let pool: PgPool
  beforeAll(async () => {
    test = await testServer()
    pool = filePool(test.url)
  })
  afterAll(async () => {
    await pool.close()
    await test.stop()
  })

  const open = () => openPostgres({ url: test.url, makePool: sharing(pool) })

  /** Waits until so many sessions wait for a lock, or the promise settles. */
  async function blockedOr(sessions: number, settled: Promise<unknown>): Promise<void> {
    const state = { isSettled: false }
    const note = (): void => void (state.isSettled = true)
    settled.then(note, note)
    const client = await pool.connect()
    for (let waiting = 0; waiting < sessions && !state.isSettled; ) {
      const { rows } = await client.query(
        "select count(*) as n from pg_stat_activity where wait_event_type = 'Lock' and datname = current_database()",
      )
      waiting = (rows[0] as { readonly n: number }).n
    }
    client.release(false)
  }

  /**
   * Does what each commit does first. Gives the number of the newest key. Above the level read committed, a commit that
   * has waited for a rotation fails, because its snapshot is older. Then it begins again, as those of the store do.
   */
  async function begin(client: PgClient): Promise<unknown> {
    try {
      await client.query('begin')
      const { rows } = await client.query("select value from store_state where name = 'newest_key' for share")
      return (rows[0] as { readonly value: string }).value
    } catch (thrown) {
      if (!isRepeatable(thrown)) throw thrown
      await client.query('rollback')
      return begin(client)
    }
  }

  /** Whether a rotation that waits for a commit makes its key before another commit that begins after it. */
  async function isFirst(rotate: () => Promise<unknown>): Promise<boolean> {
    const [first, second] = [await pool.connect(), await pool.connect()]
    const before = await begin(first)
    const rotation = rotate()
    await blockedOr(1, rotation)
    const begun = begin(second)
    await blockedOr(2, begun)
    await first.query('commit')
    const after = await begun
    await second.query('commit')
    await rotation
    for (const client of [first, second]) client.release(false)
    return after !== before
  }

  it('does not wait for commits that begin after it, so that a busy store can rotate', async () => {
    const store = await open()
    // On a machine that is slow for a second, it gives way and is tried again.
    let isDone = false
    for (let attempts = 1; attempts <= 5 && !isDone; attempts += 1) isDone = await isFirst(() => store.keys.rotate())
    expect(isDone).toBe(true)
  })

  it('loses no value that other instances write meanwhile, and leaves one key', async () => {
    const instances = await Promise.all([open(), open()])
    const rotation = { isDone: false }
    const written = instances.map(async (store, nth) => {
      let at = 0
      for (; !rotation.isDone || at < 20; at += 1) {
        const credential = guest(`${nth}-${at}`, 1)
        const change = { connection: HOME, writes: [{ credential, expect: { generation: 0 } }] }
        expect(await store.commit(change)).toBe('done')
      }
      return at
    })
    const rotating = await open()
    for (let round = 0; round < 3; round += 1) await rotating.keys.rotate()
    rotation.isDone = true
    const counts = await Promise.all(written)
    const reopened = await open()
    expect((await reopened.keys.list()).map(({ current }) => current)).toEqual([true])
    for (const [nth, count] of counts.entries())
      for (let at = 0; at < count; at += 1)
        expect((await reopened.find(HOME, `${nth}-${at}`)).credential?.tokens?.access.reveal()).toBe('a')
  })
})
