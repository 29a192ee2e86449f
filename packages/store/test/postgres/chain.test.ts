import { createHash } from 'node:crypto'
import type { Event, Store } from '@guestpass/core'
import { auditRecord, EMPTY_CHAIN, linkText } from '@guestpass/core/store-kit'
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import type { PgPool } from '../../src/postgres/pool.ts'
import { emptyTables, filePool, openPostgres, sharing } from '../helpers/postgres-database.ts'
import { event, HOME } from '../helpers/samples.ts'
import { isWithoutPostgres, suiteTitle, type TestServer, testServer } from '../helpers/test-server.ts'

/** Texts that SQL, JSON or UTF-8 write in a way of their own. */
const TEXTS = ["it's; '' --", '"\\\\" \\u0041', 'a\u0000b\n\t', 'ä€😀\ud800', "$1 $$ E'\\'"]

const saying = (id: string, text: string): Event => ({ ...event(id), actor: text, correlationId: text })

const add = (store: Store, events: readonly Event[]) => store.commit({ connection: HOME, events })

/** The ids of the events in the chain. Every link is checked. */
async function checkedIds(store: Store): Promise<readonly string[]> {
  const { links } = await store.chain(HOME, { limit: 99 })
  let before = EMPTY_CHAIN
  for (const { chain, count, hash, version, event: one } of links) {
    const text = linkText(HOME, before, auditRecord(one), version)
    expect({ chain, count, hash }).toEqual({
      chain: before.chain,
      count: before.count + 1,
      hash: createHash('sha256').update(text).digest('hex'),
    })
    before = { chain, count, hash }
  }
  expect(await store.chainHead(HOME)).toEqual(before)
  return links.map(({ event: { id } }) => id)
}

describe.skipIf(isWithoutPostgres)(suiteTitle('the audit chain in PostgreSQL'), () => {
  let test: TestServer
  let pool: PgPool
  let store: Store

  beforeAll(async () => {
    test = await testServer()
    pool = filePool(test.url)
    store = await openPostgres({ url: test.url, makePool: sharing(pool), route: () => ['audit', 'other'] })
  })
  beforeEach(() => emptyTables(pool))
  afterAll(async () => {
    await pool.close()
    await test.stop()
  })

  it('has the hashes that are verified, of events with any text', async () => {
    const events = TEXTS.map((text, at) => saying(`event-${at}`, text))
    await add(store, events)
    expect(await checkedIds(store)).toEqual(events.map(({ id }) => id))
    const { events: stored } = await store.events(HOME, { limit: 99 })
    expect(stored).toEqual(events)
  })

  it('has no gap where an event is stored already', async () => {
    await add(store, [event('one')])
    await add(store, [event('two'), event('one'), event('three'), event('two')])
    expect(await checkedIds(store)).toEqual(['one', 'two', 'three'])
    expect(await store.outbox.counts('other')).toEqual({ waiting: 3, deadLetters: 0 })
  })

  it('holds an event once that two processes store at a time', async () => {
    const other = await openPostgres({ url: test.url, makePool: sharing(pool) })
    await Promise.all([add(store, [event('one'), event('a')]), add(other, [event('b'), event('one')])])
    expect([...(await checkedIds(store))].sort()).toEqual(['a', 'b', 'one'])
  })
})
