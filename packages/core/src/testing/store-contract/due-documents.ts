import type { DocumentWrite, DueDocumentsAsk, Store } from '../../ports/store.ts'
import { nowOf } from './due-guests.ts'
import { type Chapter, codeOf } from './frame.ts'
import { HOME, NEIGHBOUR } from './samples.ts'

const KIND = 'enrichment'
const LEASE = 30_000
const HOUR = 3_600_000
const ask: DueDocumentsAsk = { kind: KIND, max: 9, leaseMs: LEASE }

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

/** Stores documents by id and milliseconds until they are due; says what time it was. */
async function arrive(store: Store, dueIn: Readonly<Record<string, number>>): Promise<number> {
  const now = await nowOf(store)
  await put(store, ...Object.entries(dueIn).map(([id, ms]) => draft(id, now + ms)))
  return now
}

/** Ids that a worker gets now. */
const claim = async (store: Store, more: Partial<DueDocumentsAsk> = {}, connection = HOME): Promise<string[]> =>
  (await store.claimDueDocuments(connection, { ...ask, ...more })).claimed.map(({ id }) => id)

export function dueDocumentsChapter(chapter: Chapter): void {
  dueSentences(chapter)
  claimSentences(chapter)
}

function dueSentences({ says, expect }: Chapter): void {
  says('gives documents that are due, the longest due first, and says when the next one is', async (bench) => {
    const { store, other, advance } = bench
    const now = await arrive(store, { c: 3_000.5, a: 1_000, d: 5_001, b: 2_000 })
    const revisions = await Promise.all(['a', 'b', 'c'].map((id) => store.document(HOME, KIND, id)))
    await advance(5_000)
    expect(await other.claimDueDocuments(HOME, ask)).toEqual({
      now: now + 5_000,
      claimed: [
        { id: 'a', revision: revisions[0]?.revision, dueAt: now + 1_000 },
        { id: 'b', revision: revisions[1]?.revision, dueAt: now + 2_000 },
        { id: 'c', revision: revisions[2]?.revision, dueAt: now + 3_000.5 },
      ],
      nextInMs: 1,
    })
  })

  says('gives a document from the moment of its due time on', async ({ store, other, advance }) => {
    await arrive(store, { a: 1_000 })
    await advance(999)
    expect(await other.claimDueDocuments(HOME, ask)).toEqual({ now: await nowOf(store), claimed: [], nextInMs: 1 })
    await advance(1)
    expect(await claim(other)).toEqual(['a'])
  })

  says('never gives one without a due time, one that has expired or one of another kind', async (bench) => {
    const { store, advance } = bench
    const now = await nowOf(store)
    await put(store, draft('plain', undefined), draft('other', now, { kind: 'other' }))
    await put(store, draft('expired', now, { expiresAt: now + 1_000 }))
    await advance(1_000)
    expect(await store.claimDueDocuments(HOME, ask)).toEqual({ now: now + 1_000, claimed: [] })
  })

  says('goes by what was written last, and gives nothing that was removed', async ({ store, other }) => {
    const now = await arrive(store, { later: -1, sooner: HOUR, never: -1, gone: -1 })
    const again = async (id: string, dueAt?: number): Promise<void> => {
      expect(await put(other, draft(id, dueAt, { expect: await stored(store, id) }))).toEqual('done')
    }
    await again('later', now + HOUR)
    await again('sooner', now)
    await again('never')
    await put(other, { kind: KIND, id: 'gone', expect: await stored(store, 'gone') })
    expect(await claim(store)).toEqual(['sooner'])
  })

  says('keeps the documents of connections apart', async ({ store }) => {
    await arrive(store, { same: -1 })
    expect(await store.claimDueDocuments(NEIGHBOUR, ask)).toEqual({ now: await nowOf(store), claimed: [] })
    expect(await claim(store)).toEqual(['same'])
  })

  says('refuses a claim that makes no sense', async ({ store }) => {
    const bad: Partial<DueDocumentsAsk>[] = [
      ...[0, 1_001, 1.5, Number.NaN].map((max) => ({ max })),
      ...[0, -1, Number.NaN, Number.POSITIVE_INFINITY].map((leaseMs) => ({ leaseMs })),
    ]
    const codes = bad.map((more) => codeOf(store.claimDueDocuments(HOME, { ...ask, ...more })))
    expect(await Promise.all(codes)).toEqual(codes.map(() => 'invalid_input'))
  })
}

const stored = async (store: Store, id: string): Promise<DocumentWrite['expect']> => ({
  revision: (await store.document(HOME, KIND, id)).revision,
})

function claimSentences({ says, expect }: Chapter): void {
  says('gives each document to one claim, until the lease ends', async ({ store, other, advance }) => {
    await arrive(store, { a: -2, b: -1 })
    const claims = await Promise.all([claim(store), claim(other)])
    expect(claims.flat().toSorted()).toEqual(['a', 'b'])
    await advance(LEASE - 1)
    expect(await other.claimDueDocuments(HOME, ask)).toEqual({ now: await nowOf(store), claimed: [], nextInMs: 1 })
    await advance(1)
    expect((await claim(other)).toSorted()).toEqual(['a', 'b'])
  })

  says('gives no more than asked for, and then says nothing of the next', async ({ store, other }) => {
    await arrive(store, { a: -3, b: -2, c: -1, later: HOUR })
    const { claimed, ...rest } = await store.claimDueDocuments(HOME, { ...ask, max: 2 })
    expect([claimed.map(({ id }) => id), 'nextInMs' in rest]).toEqual([['a', 'b'], false])
    expect(await other.claimDueDocuments(HOME, { ...ask, max: 2 })).toEqual({
      now: await nowOf(store),
      claimed: [{ id: 'c', ...(await stored(store, 'c')), dueAt: (await nowOf(store)) - 1 }],
      nextInMs: LEASE,
    })
  })

  says('ends a claim with a write of the document, and changes no revision by it', async ({ store, other }) => {
    const now = await arrive(store, { a: -1 })
    const before = await stored(store, 'a')
    await claim(store)
    expect(await stored(store, 'a')).toEqual(before)
    expect(await put(other, draft('a', now - 1, { expect: before }))).toEqual('done')
    expect(await claim(store)).toEqual(['a'])
  })

  says('is put off by no clock that was ahead, neither by a write nor by a claim', async (bench) => {
    const { store, other, advance } = bench
    const now = await arrive(store, { claimed: -1 })
    await advance(10 * HOUR)
    await arrive(store, { written: HOUR })
    await claim(store)
    await advance(-10 * HOUR)
    const { claimed, nextInMs } = await other.claimDueDocuments(HOME, ask)
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
