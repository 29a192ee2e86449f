import { putGuests, backOff, claim, guest, LEASE, rewrite } from './guest-samples.ts'
import type { TestTools } from './suite.ts'
import { fullCredential } from './samples.ts'

export function guestClaimCases({ test, expect }: TestTools): void {
  test('gives a claimed guest to no other keeper before the lease ends', async ({ store, other, advance }) => {
    await putGuests(store, { alice: -2_000, bob: -1_000 })
    expect(await claim(store, { max: 1 })).toEqual(['alice'])
    expect(await claim(other)).toEqual(['bob'])
    await advance(LEASE - 1)
    expect([await claim(store), await claim(other)]).toEqual([[], []])
    await advance(1)
    expect(await claim(other)).toEqual(['alice', 'bob'])
  })

  test('gives the longest-due guest first, also when it was claimed before', async ({ store, advance }) => {
    await putGuests(store, { alice: 0, bob: 2_000 })
    await claim(store, { max: 1, leaseMs: 5_000 })
    await advance(5_000)
    expect([await claim(store, { max: 1 }), await claim(store, { max: 1 })]).toEqual([['alice'], ['bob']])
  })

  test('keeps the claim when a write changes no due time, as that of an intent', async (handles) => {
    const { store, other } = handles
    const now = await putGuests(store, { alice: -1 })
    await claim(store)
    await rewrite(handles, guest('alice', now - 1, 1, { intent: fullCredential('x').intent }))
    expect([await claim(store), await claim(other)]).toEqual([[], []])
  })

  test('ends the claim when the tokens are replaced, also by tokens that are due at once', async (handles) => {
    const now = await putGuests(handles.store, { alice: -1 })
    await claim(handles.store)
    await rewrite(handles, guest('alice', now - 1, 2))
    expect(await claim(handles.other)).toEqual(['alice'])
  })

  test('ends the claim when a back-off is written, and gives the guest again when that ends', async (handles) => {
    const { store, other, advance } = handles
    const now = await putGuests(store, { alice: -1 })
    await claim(store)
    await rewrite(handles, guest('alice', now - 1, 1, { backOff: backOff(now + 2_000) }))
    await advance(1_999)
    expect(await claim(other)).toEqual([])
    await advance(1)
    expect(await claim(other)).toEqual(['alice'])
  })

  test('ends the claim when the guest is no longer active', async (handles) => {
    const now = await putGuests(handles.store, { alice: -1 })
    await claim(handles.store)
    await rewrite(handles, guest('alice', now - 1, 1, { status: 'in_doubt' }))
    expect(await claim(handles.other)).toEqual([])
    await rewrite(handles, guest('alice', now - 1))
    expect(await claim(handles.other)).toEqual(['alice'])
  })

  test('gives each guest to one of several concurrent claims', async ({ store, other }) => {
    const due = Array.from({ length: 30 }, (_, index) => [`guest-${index}`, -index] as const)
    await putGuests(store, Object.fromEntries(due))
    const taken = await Promise.all([store, other, store, other].map((handle) => claim(handle, { max: 10 })))
    expect([taken.flat().length, new Set(taken.flat()).size]).toEqual([30, 30])
  })
}
