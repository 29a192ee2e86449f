import { fakeClock, storeContract } from '@guestpass/core/testing'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { isWithoutPostgres, suiteTitle, type TestServer, testServer } from '../helpers/test-server.ts'
import type { PgPool } from '../../src/postgres/pool.ts'
import { emptyTables, filePool, openPostgres, recording, sharing } from '../helpers/postgres-database.ts'

describe.skipIf(isWithoutPostgres)(suiteTitle('a store in PostgreSQL'), () => {
  let test: TestServer
  let pool: PgPool
  const statements = new Set<string>()

  beforeAll(async () => {
    test = await testServer()
    pool = filePool(test.url)
    await (await openPostgres({ url: test.url })).close()
  })
  afterAll(async () => {
    await pool.close()
    await test.stop()
  })

  storeContract(
    async (route) => {
      await emptyTables(pool)
      const clock = fakeClock()
      const makePool = sharing(recording(pool, statements))
      const open = () => openPostgres({ url: test.url, route, time: () => clock.wall(), makePool })
      return {
        store: await open(),
        another: open,
        advance: (ms) => (ms > 0 ? clock.advance(ms) : clock.stepWall(ms)),
      }
    },
    { describe, it, expect },
  )

  it('sends no statement that many processes, a pooler or a sharded database cannot have', () => {
    const all = [...statements]
    expect(all.length).toBeGreaterThan(100)
    expect(
      all.filter((text) => /\b(?:nextval|serial|references|listen|notify|pg_\w*advisory\w*)\b/i.test(text)),
    ).toEqual([])
    // `set` outside of a transaction stays on a connection of the pooler.
    expect(all.filter((text) => /(?:^|; )set (?!local )/i.test(text))).toEqual([])
    // A queue of the outbox, and a vacuum, are of all connections.
    const isOfAll = (text: string): boolean =>
      (/"outbox"/.test(text) && /"sink" (?:=|>)/.test(text)) || text.startsWith('vacuum')
    const rows =
      /\b(?:credentials|profile_keys|documents|events|chain_heads|outbox|issued|leases|buckets|facts|commit_ids)\b/
    expect(all.filter((text) => rows.test(text) && !/\bconnection\b/.test(text) && !isOfAll(text))).toEqual([])
  })
})
