import type { DueRequest, Store } from '../../ports/store.ts'
import { putGuests, dueRequest, backOff, claim, guest, HOUR, LEASE, MINUTE, nowOf, rewrite } from './guest-samples.ts'
import { codeOf, type TestTools } from './suite.ts'
import { accessCredential, credential, HOME, NEIGHBOUR, put, tokens } from './samples.ts'

export function dueGuestCases({ test, expect }: TestTools): void {
  test('gives due guests, the longest due first, with due times and the time of the store', async (handles) => {
    const { store, other, advance } = handles
    const now = await putGuests(store, { c: 3_000.5, a: 1_000, d: 5_001, b: 2_000 })
    await advance(5_000)
    expect(await other.claimDue(HOME, { ...dueRequest, max: 3 })).toEqual({
      now: now + 5_000,
      claimed: [
        { id: 'a', dueAt: now + 1_000 },
        { id: 'b', dueAt: now + 2_000 },
        { id: 'c', dueAt: now + 3_000.5 },
      ],
    })
  })

  test('gives a guest at its renewal time, and not before', async ({ store, other, advance }) => {
    await putGuests(store, { alice: 1_000 })
    await advance(999)
    expect(await claim(other)).toEqual([])
    await advance(1)
    expect(await claim(other)).toEqual(['alice'])
  })

  test('gives a guest after its back-off, and counts it as due since then', async ({ store, advance }) => {
    const now = await nowOf(store)
    await put(store, guest('alice', now - 5_000, 1, { backOff: backOff(now + 1_000) }))
    await put(store, guest('bob', now - 4_000, 1, { backOff: backOff(now - 6_000) }))
    await put(store, guest('carol', now + 1_001, 1, { backOff: backOff(now - 1) }))
    expect(await claim(store)).toEqual(['bob'])
    await advance(1_000)
    expect((await store.claimDue(HOME, dueRequest)).claimed).toEqual([{ id: 'alice', dueAt: now + 1_000 }])
  })

  test('gives a guest in doubt when its token has expired, and not before', async ({ store, advance }) => {
    const now = await nowOf(store)
    await put(store, guest('doubtful', now - 1, 1, { status: 'in_doubt' }))
    const { credential: found } = await store.find(HOME, 'doubtful')
    const left = (found?.tokens?.expiresAt ?? 0) - now
    await advance(left - 2)
    expect(await claim(store)).toEqual([])
    await advance(2)
    expect(await claim(store)).toEqual(['doubtful'])
  })

  test('gives no ended guest, none without tokens and no credential of another kind', async ({ store, advance }) => {
    const now = await nowOf(store)
    for (const status of ['needs_reauth', 'revoked', 'erased'] as const) {
      await put(store, guest(status, now, 1, { status }))
    }
    await put(store, credential('empty'))
    await put(store, accessCredential('service', { tokens: { ...tokens('service'), renewAt: now } }))
    await advance(HOUR)
    expect('nextInMs' in (await store.claimDue(HOME, dueRequest))).toEqual(false)
    expect(await claim(store)).toEqual([])
  })
}

export function dueCountCases({ test, expect }: TestTools): void {
  test('uses the due time and status of the last write', async (handles) => {
    const { store, other } = handles
    const now = await putGuests(store, { renewed: -1, revoked: -1, sooner: HOUR, resting: -1 })
    await rewrite(handles, guest('renewed', now + HOUR, 2))
    await rewrite(handles, guest('revoked', now - 1, 2, { status: 'revoked' }))
    await rewrite(handles, guest('sooner', now - 1, 2))
    await rewrite(handles, guest('resting', now - 1, 1, { backOff: backOff(now + HOUR) }))
    expect([await claim(store), await claim(other)]).toEqual([['sooner'], []])
  })

  test('keeps the guests of connections apart', async ({ store, advance }) => {
    const now = await putGuests(store, { same: -1 })
    const theirs = guest('same', now - 2, 1, { connection: NEIGHBOUR })
    await put(store, theirs)
    expect(await store.claimDue(NEIGHBOUR, dueRequest)).toEqual({
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

  test('counts due guests that are in use, claimed or not, up to a bound', async (handles) => {
    const { store, other, advance } = handles
    const count = (most = 9, keepForMs = HOUR): Promise<number> => other.countDue(HOME, { keepForMs, most })
    expect(await count()).toEqual(0)
    const now = await putGuests(store, { a: -3, b: -2, c: -1, later: MINUTE })
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

  test('rejects a claim whose max, leaseMs or keepForMs is out of range', async ({ store }) => {
    const bad: Partial<DueRequest>[] = [
      ...[0, 1_001, 1.5, Number.NaN].map((max) => ({ max })),
      ...[0, -1, Number.NaN, Number.POSITIVE_INFINITY].map((leaseMs) => ({ leaseMs })),
      ...[-1, Number.NaN].map((keepForMs) => ({ keepForMs })),
    ]
    const codes = bad.map((more) => codeOf(store.claimDue(HOME, { ...dueRequest, ...more })))
    expect(await Promise.all(codes)).toEqual(codes.map(() => 'invalid_input'))
    expect(
      await codeOf(store.claimDue(HOME, { ...dueRequest, max: 1_000, keepForMs: Number.POSITIVE_INFINITY })),
    ).toEqual('none')
  })
}

const nextDueIn = async (store: Store, more: Partial<DueRequest> = {}): Promise<number | undefined> =>
  (await store.claimDue(HOME, { ...dueRequest, ...more })).nextInMs

export function nextDueCases({ test, expect }: TestTools): void {
  test('reports when the next guest is due', async ({ store, other, advance }) => {
    expect(await nextDueIn(store)).toEqual(undefined)
    await putGuests(store, { later: 9_000, next: 5_000 })
    expect(await nextDueIn(other)).toEqual(5_000)
    await advance(2_000)
    expect(await nextDueIn(store)).toEqual(3_000)
  })

  test('reports when the next claim ends, its own included', async ({ store, other, advance }) => {
    await putGuests(store, { alice: -2, bob: -1, later: HOUR })
    expect(await nextDueIn(store, { max: 2 })).toEqual(undefined)
    expect(await nextDueIn(other)).toEqual(LEASE)
    await advance(LEASE)
    expect(await nextDueIn(store, { leaseMs: 2 * HOUR })).toEqual(HOUR - LEASE)
  })

  test('leaves nextInMs out when it gave max guests', async ({ store }) => {
    await putGuests(store, { alice: -2, bob: -1, later: HOUR })
    expect('nextInMs' in (await store.claimDue(HOME, { ...dueRequest, max: 2 }))).toEqual(false)
  })

  test('reports no time for guests that are not in use, claimed or not', async (handles) => {
    const { store, other, advance } = handles
    await putGuests(store, { claimed: 0, left: 9 * HOUR })
    await claim(store, { leaseMs: 9 * HOUR })
    await advance(2 * HOUR)
    expect(await nextDueIn(other, { keepForMs: HOUR })).toEqual(undefined)
    await put(store, guest('alice', (await nowOf(store)) + 8 * HOUR))
    expect(await nextDueIn(other, { keepForMs: HOUR })).toEqual(8 * HOUR)
    expect(await nextDueIn(other)).toEqual(7 * HOUR)
  })
}
