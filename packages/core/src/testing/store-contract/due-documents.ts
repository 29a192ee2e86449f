import type { DocumentWrite, DueDocumentsRequest, Store } from '../../ports/store.ts'
import { nowOf } from './guest-samples.ts'
import { codeOf, type TestTools } from './suite.ts'
import { HOME, NEIGHBOUR } from './samples.ts'

const KIND = 'enrichment'
const LEASE = 30_000
const HOUR = 3_600_000
const dueRequest: DueDocumentsRequest = { kind: KIND, max: 9, leaseMs: LEASE }

const draft = (id: string, dueAt: number | undefined, more: Partial<DocumentWrite> = {}): DocumentWrite => ({
  kind: KIND,
  id,
  value: { of: id },
  expect: { revision: 0 },
  ...(dueAt === undefined ? {} : { dueAt }),
  ...more,
})
const put = (store: Store, ...documents: readonly DocumentWrite[]): Promise<'done' | 'conflict'> =>
  store.commit({ connection: HOME, documents })

/** Stores documents by id and milliseconds until they are due. Returns the time of the store. */
async function putDocuments(store: Store, dueIn: Readonly<Record<string, number>>): Promise<number> {
  const now = await nowOf(store)
  await put(store, ...Object.entries(dueIn).map(([id, ms]) => draft(id, now + ms)))
  return now
}

/** The ids of the documents that a worker gets now. */
const claim = async (store: Store, more: Partial<DueDocumentsRequest> = {}, connection = HOME): Promise<string[]> =>
  (await store.claimDueDocuments(connection, { ...dueRequest, ...more })).claimed.map(({ id }) => id)

const stored = async (store: Store, id: string): Promise<DocumentWrite['expect']> => ({
  revision: (await store.document(HOME, KIND, id)).revision,
})

export function dueDocumentCases({ test, expect }: TestTools): void {
  test('gives due documents, the longest due first, and the time until the next', async (handles) => {
    const { store, other, advance } = handles
    const now = await putDocuments(store, { c: 3_000.5, a: 1_000, d: 5_001, b: 2_000 })
    const revisions = await Promise.all(['a', 'b', 'c'].map((id) => store.document(HOME, KIND, id)))
    await advance(5_000)
    expect(await other.claimDueDocuments(HOME, dueRequest)).toEqual({
      now: now + 5_000,
      claimed: [
        { id: 'a', revision: revisions[0]?.revision, dueAt: now + 1_000 },
        { id: 'b', revision: revisions[1]?.revision, dueAt: now + 2_000 },
        { id: 'c', revision: revisions[2]?.revision, dueAt: now + 3_000.5 },
      ],
      nextInMs: 1,
    })
  })

  test('gives a document at its due time, and not before', async ({ store, other, advance }) => {
    await putDocuments(store, { a: 1_000 })
    await advance(999)
    expect(await other.claimDueDocuments(HOME, dueRequest)).toEqual({
      now: await nowOf(store),
      claimed: [],
      nextInMs: 1,
    })
    await advance(1)
    expect(await claim(other)).toEqual(['a'])
  })

  test('gives no document without a due time, no expired one and none of another kind', async (handles) => {
    const { store, advance } = handles
    const now = await nowOf(store)
    await put(store, draft('plain', undefined), draft('other', now, { kind: 'other' }))
    await put(store, draft('expired', now, { expiresAt: now + 1_000 }))
    await advance(1_000)
    expect(await store.claimDueDocuments(HOME, dueRequest)).toEqual({ now: now + 1_000, claimed: [] })
  })

  test('uses the due time of the last write, and gives no removed document', async ({ store, other }) => {
    const now = await putDocuments(store, { later: -1, sooner: HOUR, never: -1, gone: -1 })
    const again = async (id: string, dueAt?: number): Promise<void> => {
      expect(await put(other, draft(id, dueAt, { expect: await stored(store, id) }))).toEqual('done')
    }
    await again('later', now + HOUR)
    await again('sooner', now)
    await again('never')
    await put(other, { kind: KIND, id: 'gone', expect: await stored(store, 'gone') })
    expect(await claim(store)).toEqual(['sooner'])
  })

  test('keeps the documents of connections apart', async ({ store }) => {
    await putDocuments(store, { same: -1 })
    expect(await store.claimDueDocuments(NEIGHBOUR, dueRequest)).toEqual({ now: await nowOf(store), claimed: [] })
    expect(await claim(store)).toEqual(['same'])
  })
}

export function documentClaimCases({ test, expect }: TestTools): void {
  test('gives each document to one claim before the lease ends', async ({ store, other, advance }) => {
    await putDocuments(store, { a: -2, b: -1 })
    const claims = await Promise.all([claim(store), claim(other)])
    expect(claims.flat().toSorted()).toEqual(['a', 'b'])
    await advance(LEASE - 1)
    expect(await other.claimDueDocuments(HOME, dueRequest)).toEqual({
      now: await nowOf(store),
      claimed: [],
      nextInMs: 1,
    })
    await advance(1)
    expect((await claim(other)).toSorted()).toEqual(['a', 'b'])
  })

  test('gives at most max documents, and leaves nextInMs out when it gave max', async ({ store, other }) => {
    await putDocuments(store, { a: -3, b: -2, c: -1, later: HOUR })
    const { claimed, ...rest } = await store.claimDueDocuments(HOME, { ...dueRequest, max: 2 })
    expect([claimed.map(({ id }) => id), 'nextInMs' in rest]).toEqual([['a', 'b'], false])
    expect(await other.claimDueDocuments(HOME, { ...dueRequest, max: 2 })).toEqual({
      now: await nowOf(store),
      claimed: [{ id: 'c', ...(await stored(store, 'c')), dueAt: (await nowOf(store)) - 1 }],
      nextInMs: LEASE,
    })
  })

  test('ends a claim when the document is written; the claim changes no revision', async ({ store, other }) => {
    const now = await putDocuments(store, { a: -1 })
    const before = await stored(store, 'a')
    await claim(store)
    expect(await stored(store, 'a')).toEqual(before)
    expect(await put(other, draft('a', now - 1, { expect: before }))).toEqual('done')
    expect(await claim(store)).toEqual(['a'])
  })

  test('rejects a claim whose max or leaseMs is out of range', async ({ store }) => {
    const bad: Partial<DueDocumentsRequest>[] = [
      ...[0, 1_001, 1.5, Number.NaN].map((max) => ({ max })),
      ...[0, -1, Number.NaN, Number.POSITIVE_INFINITY].map((leaseMs) => ({ leaseMs })),
    ]
    const codes = bad.map((more) => codeOf(store.claimDueDocuments(HOME, { ...dueRequest, ...more })))
    expect(await Promise.all(codes)).toEqual(codes.map(() => 'invalid_input'))
  })
}

export function documentClockCases({ test, expect }: TestTools): void {
  test('gives a document at once whose due time or claim is from a clock that was ahead', async (handles) => {
    const { store, other, advance } = handles
    const now = await putDocuments(store, { claimed: -1 })
    await advance(10 * HOUR)
    await putDocuments(store, { written: HOUR })
    await claim(store)
    await advance(-10 * HOUR)
    const { claimed, nextInMs } = await other.claimDueDocuments(HOME, dueRequest)
    expect([claimed.map(({ id }) => id).toSorted(), claimed.map(({ dueAt }) => dueAt), nextInMs]).toEqual([
      ['claimed', 'written'],
      [now, now],
      LEASE,
    ])
    expect(await claim(store)).toEqual([])
    await advance(LEASE)
    expect((await claim(other)).toSorted()).toEqual(['claimed', 'written'])
  })
}
