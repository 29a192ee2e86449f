import type { DueAsk, Store } from '../../ports/store.ts'
import { arrive, ask, backOff, claim, guest, HOUR, LEASE, MINUTE, nowOf, rewrite } from './due-guests.ts'
import type { Chapter } from './frame.ts'
import { codeOf } from './frame.ts'
import { credential, HOME, NEIGHBOUR, put } from './samples.ts'

/** Which guests are due, and when the next one will be. */
export function dueChapter(chapter: Chapter): void {
  dueSentences(chapter)
  nextSentences(chapter)
}

function dueSentences({ says, expect }: Chapter): void {
  says('gives guests that are due, the longest due first, saying since when and what time it is', async (bench) => {
    const { store, other, advance } = bench
    const now = await arrive(store, { c: 3_000.5, a: 1_000, d: 5_001, b: 2_000 })
    await advance(5_000)
    expect(await other.claimDue(HOME, { ...ask, max: 3 })).toEqual({
      now: now + 5_000,
      claimed: [
        { id: 'a', dueAt: now + 1_000 },
        { id: 'b', dueAt: now + 2_000 },
        { id: 'c', dueAt: now + 3_000.5 },
      ],
    })
  })

  says('gives a guest from the moment of its renewal time on', async ({ store, other, advance }) => {
    await arrive(store, { alice: 1_000 })
    await advance(999)
    expect(await claim(other)).toEqual([])
    await advance(1)
    expect(await claim(other)).toEqual(['alice'])
  })

  says('gives no guest whose back-off has not ended, and counts it due since then', async ({ store, advance }) => {
    const now = await nowOf(store)
    await put(store, guest('alice', now - 5_000, 1, { backOff: backOff(now + 1_000) }))
    await put(store, guest('bob', now - 4_000, 1, { backOff: backOff(now - 6_000) }))
    await put(store, guest('carol', now + 1_001, 1, { backOff: backOff(now - 1) }))
    expect(await claim(store)).toEqual(['bob'])
    await advance(1_000)
    expect((await store.claimDue(HOME, ask)).claimed).toEqual([{ id: 'alice', dueAt: now + 1_000 }])
  })

  says('gives what is in doubt when its token has ended, not before', async ({ store, advance }) => {
    const now = await nowOf(store)
    await put(store, guest('doubtful', now - 1, 1, { status: 'in_doubt' }))
    const { credential } = await store.find(HOME, 'doubtful')
    const left = (credential?.tokens?.expiresAt ?? 0) - now
    await advance(left - 2)
    expect(await claim(store)).toEqual([])
    await advance(2)
    expect(await claim(store)).toEqual(['doubtful'])
  })

  says('never gives what has ended, has no tokens or is no guest', async ({ store, advance }) => {
    const now = await nowOf(store)
    for (const status of ['needs_reauth', 'revoked', 'erased'] as const) {
      await put(store, guest(status, now, 1, { status }))
    }
    await put(store, credential('empty'))
    await put(store, guest('service', now, 1, { kind: 'access' }))
    await advance(HOUR)
    expect('nextInMs' in (await store.claimDue(HOME, ask))).toEqual(false)
    expect(await claim(store)).toEqual([])
  })

  says('goes by what was written last', async (bench) => {
    const { store, other } = bench
    const now = await arrive(store, { renewed: -1, revoked: -1, sooner: HOUR, resting: -1 })
    await rewrite(bench, guest('renewed', now + HOUR, 2))
    await rewrite(bench, guest('revoked', now - 1, 2, { status: 'revoked' }))
    await rewrite(bench, guest('sooner', now - 1, 2))
    await rewrite(bench, guest('resting', now - 1, 1, { backOff: backOff(now + HOUR) }))
    expect([await claim(store), await claim(other)]).toEqual([['sooner'], []])
  })

  says('keeps the guests of connections apart', async ({ store, advance }) => {
    const now = await arrive(store, { same: -1 })
    const theirs = guest('same', now - 2, 1, { connection: NEIGHBOUR })
    await put(store, theirs)
    expect(await store.claimDue(NEIGHBOUR, ask)).toEqual({
      now,
      claimed: [{ id: 'same', dueAt: now - 2 }],
      nextInMs: LEASE,
    })
    expect(await claim(store)).toEqual(['same'])
    await advance(HOUR)
    await store.touch(NEIGHBOUR, 'same')
    expect([await claim(store, { keepForMs: MINUTE }), await claim(store, { keepForMs: MINUTE }, NEIGHBOUR)]).toEqual([
      [],
      ['same'],
    ])
  })

  says('counts those that are due and kept, claimed or not, up to a bound', async (bench) => {
    const { store, other, advance } = bench
    const count = (most = 9, keepForMs = HOUR): Promise<number> => other.countDue(HOME, { keepForMs, most })
    expect(await count()).toEqual(0)
    const now = await arrive(store, { a: -3, b: -2, c: -1, later: MINUTE })
    await put(store, guest('revoked', now - 1, 1, { status: 'revoked' }))
    await put(store, guest('theirs', now - 1, 1, { connection: NEIGHBOUR }))
    await claim(store, { max: 1 })
    expect([await count(), await count(2), await count(3)]).toEqual([3, 2, 3])
    await advance(MINUTE)
    expect(await count()).toEqual(4)
    await advance(HOUR)
    expect([await claim(store, { keepForMs: HOUR }), await count(), await count(9, 2 * HOUR)]).toEqual([[], 0, 4])
    await store.touch(HOME, 'b')
    expect(await count()).toEqual(1)
    expect(await codeOf(count(0))).toEqual('invalid_input')
  })

  says('refuses a claim that makes no sense', async ({ store }) => {
    const bad: Partial<DueAsk>[] = [
      ...[0, 1_001, 1.5, Number.NaN].map((max) => ({ max })),
      ...[0, -1, Number.NaN, Number.POSITIVE_INFINITY].map((leaseMs) => ({ leaseMs })),
      ...[-1, Number.NaN].map((keepForMs) => ({ keepForMs })),
    ]
    const codes = bad.map((more) => codeOf(store.claimDue(HOME, { ...ask, ...more })))
    expect(await Promise.all(codes)).toEqual(codes.map(() => 'invalid_input'))
    expect(await codeOf(store.claimDue(HOME, { ...ask, max: 1_000, keepForMs: Number.POSITIVE_INFINITY }))).toEqual(
      'none',
    )
  })
}

function nextSentences({ says, expect }: Chapter): void {
  const next = async (store: Store, more: Partial<DueAsk> = {}): Promise<number | undefined> =>
    (await store.claimDue(HOME, { ...ask, ...more })).nextInMs

  says('says when the next guest falls due', async ({ store, other, advance }) => {
    expect(await next(store)).toEqual(undefined)
    await arrive(store, { later: 9_000, next: 5_000 })
    expect(await next(other)).toEqual(5_000)
    await advance(2_000)
    expect(await next(store)).toEqual(3_000)
  })

  says('says when the next claim ends, its own among them', async ({ store, other, advance }) => {
    await arrive(store, { alice: -2, bob: -1, later: HOUR })
    expect(await next(store, { max: 2 })).toEqual(undefined)
    expect(await next(other)).toEqual(LEASE)
    await advance(LEASE)
    expect(await next(store, { leaseMs: 2 * HOUR })).toEqual(HOUR - LEASE)
  })

  says('says nothing of the next one when as many were given as asked for', async ({ store }) => {
    await arrive(store, { alice: -2, bob: -1, later: HOUR })
    expect('nextInMs' in (await store.claimDue(HOME, { ...ask, max: 2 }))).toEqual(false)
  })

  says('does not wait for guests that are not kept, claimed or not', async (bench) => {
    const { store, other, advance } = bench
    await arrive(store, { claimed: 0, left: 9 * HOUR })
    await claim(store, { leaseMs: 9 * HOUR })
    await advance(2 * HOUR)
    expect(await next(other, { keepForMs: HOUR })).toEqual(undefined)
    await put(store, guest('alice', (await nowOf(store)) + 8 * HOUR))
    expect(await next(other, { keepForMs: HOUR })).toEqual(8 * HOUR)
    expect(await next(other)).toEqual(7 * HOUR)
  })
}
