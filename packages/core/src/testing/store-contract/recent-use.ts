import { putGuests, claim, guest, HOUR, MINUTE, nowOf, rewrite } from './guest-samples.ts'
import type { TestTools } from './suite.ts'
import { credential, HOME, put, write } from './samples.ts'

export function recentUseCases({ test, expect }: TestTools): void {
  test('gives a guest for keepForMs after its first write, and longer when it is touched', async (handles) => {
    const { store, other, advance } = handles
    await putGuests(store, { left: HOUR, used: HOUR })
    await advance(30 * MINUTE)
    await other.touch(HOME, 'used')
    await advance(30 * MINUTE)
    expect(await claim(store, { keepForMs: HOUR, leaseMs: 1 })).toEqual(['left', 'used'])
    await advance(30 * MINUTE)
    expect(await claim(store, { keepForMs: HOUR, leaseMs: 1 })).toEqual(['used'])
    await advance(1)
    expect(await claim(store, { keepForMs: HOUR })).toEqual([])
  })

  test('names the latest use of a credential', async ({ store, other, advance }) => {
    const now = await putGuests(store, { alice: HOUR })
    await advance(30 * MINUTE)
    expect((await other.find(HOME, 'alice')).usedAt).toEqual(now)
    await store.touch(HOME, 'alice')
    expect((await other.find(HOME, 'alice')).usedAt).toEqual(now + 30 * MINUTE)
    expect((await other.find(HOME, 'unknown')).usedAt).toEqual(undefined)
  })

  test('does not count a renewal as use', async (handles) => {
    const { store, advance } = handles
    const now = await putGuests(store, { alice: 0 })
    await advance(2 * HOUR)
    await rewrite(handles, guest('alice', now, 2))
    expect(await claim(store, { keepForMs: HOUR })).toEqual([])
  })

  test('gives an unused guest again after a touch', async ({ store, other, advance }) => {
    await putGuests(store, { alice: 0 })
    await advance(2 * HOUR)
    expect(await claim(store, { keepForMs: HOUR })).toEqual([])
    await other.touch(HOME, 'alice')
    expect(await claim(store, { keepForMs: HOUR })).toEqual(['alice'])
  })

  test('gives a guest that is unused for one keeper to a keeper with a longer keepForMs', async (handles) => {
    const { store, other, advance } = handles
    await putGuests(store, { alice: 0 })
    await advance(2 * HOUR)
    expect(await claim(store, { keepForMs: HOUR })).toEqual([])
    expect(await claim(other, { keepForMs: 3 * HOUR })).toEqual(['alice'])
  })
}

export function recentUseClaimCases({ test, expect }: TestTools): void {
  test('finds a guest in use behind many unused ones', async ({ store, advance }) => {
    const now = await nowOf(store)
    const many = Array.from({ length: 250 }, (_, index) => write(guest(`left-${index}`, now - index), 0))
    await store.commit({ connection: HOME, writes: many })
    await advance(2 * HOUR)
    await put(store, guest('alice', now + 2 * HOUR))
    expect(await claim(store, { max: 1, keepForMs: HOUR })).toEqual(['alice'])
  })

  test('gives at most max guests when some of the due ones are unused', async ({ store, other, advance }) => {
    const now = await putGuests(store, { left: 1 })
    await advance(2 * HOUR)
    for (const [id, dueAt] of Object.entries({ a: 0, b: 2, c: 3 })) await put(store, guest(id, now + dueAt))
    const keepForMs = HOUR
    expect([await claim(store, { max: 2, keepForMs }), await claim(other, { keepForMs })]).toEqual([['a', 'b'], ['c']])
  })

  test('changes neither revision nor generation by a touch or a claim', async ({ store, other, advance }) => {
    await putGuests(store, { alice: 0 })
    await advance(HOUR)
    await other.touch(HOME, 'alice')
    await claim(other)
    const { revision, credential: found } = await store.find(HOME, 'alice')
    expect([revision, found?.generation]).toEqual([1, 1])
    const note = write(guest('alice', 0, 1, { status: 'in_doubt' }), 1, revision)
    expect(await store.commit({ connection: HOME, writes: [note] })).toEqual('done')
  })

  test('ignores a touch of an unknown id', async ({ store }) => {
    await store.touch(HOME, 'unknown')
    expect((await store.find(HOME, 'unknown')).revision).toEqual(0)
    await put(store, credential('unknown', 1))
  })
}
