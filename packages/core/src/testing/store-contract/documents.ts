import type { DocumentWrite, Store } from '../../ports/store.ts'
import { codeOf, type TestTools } from './suite.ts'
import { credential, event, HOME, NEIGHBOUR, write } from './samples.ts'

const KIND = 'webhook'
const value = { url: 'https://example.com/ünïcode', secrets: ['whsec_1'], nested: { list: [1, null, true] } }

const draft = (id: string, revision: number, more: Partial<DocumentWrite> = {}): DocumentWrite => ({
  kind: KIND,
  id,
  value,
  expect: { revision },
  ...more,
})
const put = (store: Store, ...documents: readonly DocumentWrite[]): Promise<'done' | 'conflict'> =>
  store.commit({ connection: HOME, documents })
const read = (store: Store, id = 'a') => store.document(HOME, KIND, id)

export function documentCases({ test, expect }: TestTools): void {
  test('returns a document as it was written', async ({ store, other }) => {
    expect(await read(store)).toEqual({ revision: 0 })
    expect(await put(store, draft('a', 0))).toEqual('done')
    expect((await read(other)).value).toEqual(value)
  })

  test('replaces a document only at the revision that was read', async ({ store, other }) => {
    await put(store, draft('a', 0))
    const { revision } = await read(other)
    const outcomes = await Promise.all([
      put(store, draft('a', revision, { value: 1 })),
      put(other, draft('a', revision, { value: 2 })),
      put(store, draft('a', 0, { value: 3 })),
    ])
    expect(outcomes.toSorted()).toEqual(['conflict', 'conflict', 'done'])
    const after = await read(store)
    expect([after.revision === revision, after.value === 3]).toEqual([false, false])
  })

  test('removes a document, and gives the next one of its id another revision', async ({ store }) => {
    await put(store, draft('a', 0))
    const { revision } = await read(store)
    const { value: _none, ...removal } = draft('a', revision)
    expect(await put(store, removal)).toEqual('done')
    expect(await read(store)).toEqual({ revision: 0 })
    await put(store, draft('a', 0))
    expect((await read(store)).revision === revision).toEqual(false)
    expect(await put(store, removal)).toEqual('conflict')
  })

  test('treats an expired document as absent', async ({ store, advance }) => {
    await put(store, draft('a', 0, { expiresAt: (await store.find(HOME, 'unknown')).now + 1_000 }), draft('b', 0))
    expect((await read(store)).value).toEqual(value)
    await advance(1_000)
    expect(await read(store)).toEqual({ revision: 0 })
    const { documents } = await store.documents(HOME, { kind: KIND, limit: 9 })
    expect(documents.map(({ id }) => id)).toEqual(['b'])
    expect(await put(store, draft('a', 0, { value: 'again' }))).toEqual('done')
    expect((await read(store)).value).toEqual('again')
  })
}

export function documentListCases({ test, expect }: TestTools): void {
  test('lists the documents of a kind, page by page in the order of their ids', async ({ store }) => {
    await put(store, ...['c', 'a', 'b'].map((id) => draft(id, 0)), draft('a', 0, { kind: 'other' }))
    const first = await store.documents(HOME, { kind: KIND, limit: 2 })
    const second = await store.documents(HOME, { kind: KIND, limit: 2, after: first.next ?? '' })
    expect([...first.documents, ...second.documents].map(({ id }) => id)).toEqual(['a', 'b', 'c'])
    expect([first.documents[0]?.value, 'next' in second]).toEqual([value, false])
    expect(await codeOf(store.documents(HOME, { kind: KIND, limit: 0 }))).toEqual('invalid_input')
  })

  test('counts the unexpired documents of a kind up to a bound', async ({ store, other, advance }) => {
    const count = (most: number): Promise<number> => other.countDocuments(HOME, { kind: KIND, most })
    expect(await count(9)).toEqual(0)
    const soon = (await store.find(HOME, 'unknown')).now + 1_000
    await put(store, ...['a', 'b', 'c'].map((id) => draft(id, 0)), draft('d', 0, { expiresAt: soon }))
    await put(store, draft('a', 0, { kind: 'other' }))
    await store.commit({ connection: NEIGHBOUR, documents: [draft('theirs', 0)] })
    expect([await count(9), await count(2)]).toEqual([4, 2])
    await advance(1_000)
    expect(await count(9)).toEqual(3)
    expect(await codeOf(count(0.5))).toEqual('invalid_input')
  })

  test('keeps the documents of connections apart', async ({ store }) => {
    await put(store, draft('a', 0))
    expect(await store.document(NEIGHBOUR, KIND, 'a')).toEqual({ revision: 0 })
    expect((await store.documents(NEIGHBOUR, { kind: KIND, limit: 9 })).documents).toEqual([])
    await store.commit({ connection: NEIGHBOUR, documents: [draft('a', 0, { value: 'theirs' })] })
    expect((await read(store)).value).toEqual(value)
  })
}

export function documentChangeCases({ test, expect }: TestTools): void {
  test('stores nothing of a change when a document has another revision', async ({ store }) => {
    const change = { connection: HOME, writes: [write(credential('alice', 1))], events: [event('1')] }
    expect(await store.commit({ ...change, documents: [draft('a', 0), draft('b', 7)] })).toEqual('conflict')
    const left = [await read(store), (await store.find(HOME, 'alice')).revision, await store.chainHead(HOME)]
    expect(left).toEqual([{ revision: 0 }, 0, { chain: 0, count: 0, hash: '' }])
  })

  test('stores no document when a credential has another generation', async ({ store }) => {
    const writes = [write(credential('alice', 5))]
    expect(await store.commit({ connection: HOME, writes, documents: [draft('a', 0)] })).toEqual('conflict')
    expect(await read(store)).toEqual({ revision: 0 })
  })
}
