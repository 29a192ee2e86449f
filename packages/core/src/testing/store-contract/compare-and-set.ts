import { guestIn } from '../../domain/credential.ts'
import type { Change, Store } from '../../ports/store.ts'
import type { TestTools } from './suite.ts'
import { credential, event, HOME, NEIGHBOUR, write } from './samples.ts'

const FAR = Number.MAX_SAFE_INTEGER

/** A first write of alice, with a document, an event and a token that show whose write was kept. */
const firstWrite = (by: string, revision?: number): Change => ({
  connection: HOME,
  writes: [write(credential('alice', 1, { request: { channelId: by } }), 0, revision)],
  documents: [{ kind: 'note', id: by, value: by, expect: { revision: 0 } }],
  events: [event(by, { actor: 'to:audit' })],
  issued: [{ credential: 'alice', fingerprint: `f-${by}`, expiresAt: FAR }],
})

const commitBoth = (store: Store, other: Store, ...changes: readonly [Change, Change]) =>
  Promise.all([store.commit(changes[0]), other.commit(changes[1])])

export function concurrentWriteCases({ test, expect }: TestTools): void {
  for (const revision of [undefined, 0]) {
    test(`commits one of two first writes, and keeps nothing of the other (revision ${revision ?? 'not named'})`, async ({
      store,
      other,
    }) => {
      const outcomes = await commitBoth(store, other, firstWrite('1', revision), firstWrite('2', revision))
      expect(outcomes.toSorted()).toEqual(['conflict', 'done'])
      const winner = outcomes[0] === 'done' ? '1' : '2'
      const loser = winner === '1' ? '2' : '1'
      expect([
        guestIn(await store.find(HOME, 'alice'))?.request,
        (await store.document(HOME, 'note', winner)).value,
        await store.document(HOME, 'note', loser),
        (await other.events(HOME, { limit: 9 })).events.map(({ id }) => id),
        (await other.outbox.claim('audit', 9, 1)).length,
        await other.issued(HOME, `f-${loser}`),
      ]).toEqual([{ channelId: winner }, winner, { revision: 0 }, [event(winner).id], 1, false])
    })
  }

  test('commits one of two changes that write the same rows in opposite order', async ({ store, other }) => {
    for (let round = 0; round < 20; round += 1) {
      const rows = [`a-${round}`, `b-${round}`]
      await store.commit({ connection: HOME, writes: rows.map((id) => write(credential(id, 1))) })
      const change = (ids: readonly string[]): Change => ({
        connection: HOME,
        writes: ids.map((id) => write(credential(id, 2))),
      })
      const outcomes = await commitBoth(store, other, change(rows), change(rows.toReversed()))
      expect(outcomes.toSorted()).toEqual(['conflict', 'done'])
      const revisions = rows.map(async (id) => (await store.find(HOME, id)).revision)
      expect(await Promise.all(revisions)).toEqual([2, 2])
    }
  })
}

export function conflictCases({ test, expect }: TestTools): void {
  test('rolls back the rows of a change that it wrote before the conflict', async (handles) => {
    const { store, other } = handles
    await store.commit({ connection: HOME, writes: [write(credential('a', 1)), write(credential('z', 1))] })
    const late: Change = {
      connection: HOME,
      writes: [write(credential('a', 2)), write(credential('m', 1)), write(credential('z', 9))],
      documents: [{ kind: 'note', id: 'a', value: 1, expect: { revision: 0 } }],
    }
    const meanwhile = other.commit({ connection: HOME, writes: [write(credential('b', 1))], events: [event('1')] })
    expect([await store.commit(late), await meanwhile]).toEqual(['conflict', 'done'])
    const rows = await Promise.all(['a', 'b', 'm', 'z'].map((id) => other.find(HOME, id)))
    expect(rows.map(({ revision, credential: found }) => [revision, found?.generation])).toEqual([
      [1, 1],
      [1, 1],
      [0, undefined],
      [1, 1],
    ])
    expect(await store.document(HOME, 'note', 'a')).toEqual({ revision: 0 })
  })

  test('answers conflict for a write that expects a row where there is none', async ({ store }) => {
    for (const [generation, revision] of [
      [1, undefined],
      [1, 1],
      [0, 1],
    ] as const) {
      const change = { connection: HOME, writes: [write(credential('alice', 2), generation, revision)] }
      expect(await store.commit(change)).toEqual('conflict')
    }
    expect((await store.find(HOME, 'alice')).revision).toEqual(0)
  })
}

export function atomicCases({ test, expect }: TestTools): void {
  test('records an event once that is committed several times', async ({ store, other }) => {
    const again = event('1', { actor: 'to:audit' })
    await store.commit({ connection: HOME, events: [again] })
    await commitBoth(
      store,
      other,
      { connection: HOME, events: [again] },
      { connection: HOME, events: [event('2'), again] },
    )
    await store.commit({ connection: HOME, events: [event('3')] })
    const { links } = await store.chain(HOME, { limit: 9 })
    expect(links.map(({ count, event: { id } }) => [count, id])).toEqual([
      [1, event('1').id],
      [2, event('2').id],
      [3, event('3').id],
    ])
    expect((await store.outbox.claim('audit', 9, 1)).length).toEqual(1)
    const theirs = event('1', { connection: NEIGHBOUR })
    await store.commit({ connection: NEIGHBOUR, events: [theirs] })
    expect((await store.events(NEIGHBOUR, { limit: 9 })).events).toEqual([theirs])
  })

  test('returns with a lease the credential and the revision of the same moment', async ({ store, other }) => {
    expect((await store.lease(HOME, 'x', 'p1', 1_000, 'alice')).found?.revision).toEqual(0)
    await store.commit({ connection: HOME, writes: [write(credential('alice', 1))] })
    const [answer] = await Promise.all([
      store.lease(HOME, 'renewal', 'p1', 1_000, 'alice'),
      other.commit({ connection: HOME, writes: [write(credential('alice', 2))] }),
    ])
    expect([answer.granted, answer.found?.revision]).toEqual([true, answer.found?.credential?.generation])
    const refused = await other.lease(HOME, 'renewal', 'p2', 1_000, 'alice')
    expect([refused.granted, refused.found?.revision, refused.found?.credential?.generation]).toEqual([false, 2, 2])
    expect('found' in (await store.lease(HOME, 'renewal', 'p1', 1_000))).toEqual(false)
  })

  test('ensures room for one more commit repeatedly, and changes no data', async ({ store, other }) => {
    await Promise.all([store.ensureRoom(), other.ensureRoom(), store.ensureRoom()])
    expect([await store.connections(), await store.chainHead(HOME)]).toEqual([[], { chain: 0, count: 0, hash: '' }])
    expect(await other.commit({ connection: HOME, writes: [write(credential('alice', 1))] })).toEqual('done')
    await other.ensureRoom()
  })
}
