import type { Change } from '../../ports/store.ts'
import { codeOf, type StoreHandles, type TestTools } from './suite.ts'
import { credential, event, HOME, NEIGHBOUR, put, write } from './samples.ts'

/** What `whole` writes, as the second handle reads it. */
async function stored({ store, other }: StoreHandles): Promise<unknown> {
  return {
    alice: (await other.find(HOME, 'alice')).revision,
    bob: (await other.find(HOME, 'bob')).revision,
    events: (await other.events(HOME, { limit: 9 })).events.length,
    due: (await store.outbox.claim('audit', 9, 0)).length,
    denied: [await other.denied(HOME, 'f-old'), await other.denied(HOME, 'f-new')],
  }
}

const fullChange = (bobExpects: number): Change => ({
  connection: HOME,
  writes: [write(credential('alice', 2)), write(credential('bob', 2), bobExpects)],
  events: [event('1', { actor: 'to:audit' }), event('2', { actor: 'to:audit' })],
  issued: [{ credential: 'alice', fingerprint: 'f-new', expiresAt: Number.MAX_SAFE_INTEGER }],
  deny: ['alice'],
})

async function putBoth({ store }: StoreHandles): Promise<void> {
  await put(store, credential('alice', 1))
  await put(store, credential('bob', 1))
  const issued = [{ credential: 'alice', fingerprint: 'f-old', expiresAt: Number.MAX_SAFE_INTEGER }]
  await store.commit({ connection: HOME, issued })
}

export function changeCases({ test, expect }: TestTools): void {
  test('stores all of a change together: rows, events, tokens and denials', async (handles) => {
    await putBoth(handles)
    expect(await handles.store.commit(fullChange(1))).toEqual('done')
    expect(await stored(handles)).toEqual({ alice: 2, bob: 2, events: 2, due: 2, denied: [true, false] })
  })

  test('stores nothing of a change when one expectation does not hold', async (handles) => {
    await putBoth(handles)
    const before = await stored(handles)
    expect(await handles.store.commit(fullChange(7))).toEqual('conflict')
    expect(await stored(handles)).toEqual(before)
    await handles.store.commit({ connection: HOME, deny: ['alice'] })
    expect(await handles.store.denied(HOME, 'f-new')).toEqual(false)
  })

  test('commits concurrent changes independently: a conflict of one fails no other', async ({ store, other }) => {
    const outcomes = await Promise.all(
      Array.from({ length: 20 }, (_, index) =>
        store.commit({
          connection: HOME,
          writes: [write(credential(`guest-${index % 10}`, 1))],
          events: [event(`${index}`)],
        }),
      ),
    )
    expect(outcomes.filter((outcome) => outcome === 'done').length).toEqual(10)
    expect((await other.events(HOME, { limit: 99 })).events.length).toEqual(10)
  })

  test('accepts an empty change', async ({ store }) => {
    expect(await store.commit({ connection: HOME })).toEqual('done')
  })

  test('rejects a change with a row or an event of another connection, and stores nothing', async ({ store }) => {
    const foreignRow = write(credential('eve', 1, { connection: NEIGHBOUR }))
    const mine = write(credential('alice', 1))
    const foreignEvent = event('1', { connection: NEIGHBOUR })
    expect([
      await codeOf(store.commit({ connection: HOME, writes: [mine, foreignRow] })),
      await codeOf(store.commit({ connection: HOME, writes: [mine], events: [foreignEvent] })),
    ]).toEqual(['invalid_input', 'invalid_input'])
    expect([
      (await store.find(HOME, 'alice')).revision,
      (await store.find(HOME, 'eve')).revision,
      (await store.find(NEIGHBOUR, 'eve')).revision,
      (await store.events(NEIGHBOUR, { limit: 9 })).events.length,
    ]).toEqual([0, 0, 0, 0])
  })
}

export function eventCases({ test, expect }: TestTools): void {
  test('returns events in commit order, page by page from a cursor', async ({ store, other }) => {
    const all = ['5', '3', '4', '1', '2'].map((id) =>
      event(id, { data: { id }, error: { code: 'internal', message: id } }),
    )
    await store.commit({ connection: HOME, events: all.slice(0, 3) })
    await other.commit({ connection: HOME, events: all.slice(3) })
    const first = await store.events(HOME, { limit: 2 })
    const second = await other.events(HOME, { limit: 2, after: first.next ?? -1 })
    const third = await store.events(HOME, { limit: 2, after: second.next ?? -1 })
    expect([...first.events, ...second.events, ...third.events]).toEqual(all)
    expect('next' in third).toEqual(false)
  })

  test('rejects a page limit that is not 1 to 1000', async ({ store }) => {
    const codes = [0, 1_001, 1.5].map((limit) => codeOf(store.events(HOME, { limit })))
    expect(await Promise.all(codes)).toEqual(codes.map(() => 'invalid_input'))
  })
}
