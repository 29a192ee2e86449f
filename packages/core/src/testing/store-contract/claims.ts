import { arrive, backOff, claim, guest, LEASE, rewrite } from './due-guests.ts'
import type { Chapter } from './frame.ts'
import { full } from './samples.ts'

export function claimsChapter({ says, expect }: Chapter): void {
  says('gives a claimed guest to nobody else until its claim has ended', async ({ store, other, advance }) => {
    await arrive(store, { alice: -2_000, bob: -1_000 })
    expect(await claim(store, { max: 1 })).toEqual(['alice'])
    expect(await claim(other)).toEqual(['bob'])
    await advance(LEASE - 1)
    expect([await claim(store), await claim(other)]).toEqual([[], []])
    await advance(1)
    expect(await claim(other)).toEqual(['alice', 'bob'])
  })

  says('gives first what has been due for longest, also when it was claimed before', async ({ store, advance }) => {
    await arrive(store, { alice: 0, bob: 2_000 })
    await claim(store, { max: 1, leaseMs: 5_000 })
    await advance(5_000)
    expect([await claim(store, { max: 1 }), await claim(store, { max: 1 })]).toEqual([['alice'], ['bob']])
  })

  says('leaves the claim when a note is written that changes no due time, as an intent', async (bench) => {
    const { store, other } = bench
    const now = await arrive(store, { alice: -1 })
    await claim(store)
    await rewrite(bench, guest('alice', now - 1, 1, { intent: full('x').intent }))
    expect([await claim(store), await claim(other)]).toEqual([[], []])
  })

  says('ends the claim of a guest whose tokens are replaced, also when the new ones are due at once', async (bench) => {
    const now = await arrive(bench.store, { alice: -1 })
    await claim(bench.store)
    await rewrite(bench, guest('alice', now - 1, 2))
    expect(await claim(bench.other)).toEqual(['alice'])
  })

  says('ends the claim of a guest that gets a back-off: it is given again when that ends', async (bench) => {
    const { store, other, advance } = bench
    const now = await arrive(store, { alice: -1 })
    await claim(store)
    await rewrite(bench, guest('alice', now - 1, 1, { backOff: backOff(now + 2_000) }))
    await advance(1_999)
    expect(await claim(other)).toEqual([])
    await advance(1)
    expect(await claim(other)).toEqual(['alice'])
  })

  says('ends the claim of a guest that ceases to be active', async (bench) => {
    const now = await arrive(bench.store, { alice: -1 })
    await claim(bench.store)
    await rewrite(bench, guest('alice', now - 1, 1, { status: 'in_doubt' }))
    expect(await claim(bench.other)).toEqual([])
    await rewrite(bench, guest('alice', now - 1))
    expect(await claim(bench.other)).toEqual(['alice'])
  })

  says('gives each guest to one of many who ask at once', async ({ store, other }) => {
    const due = Array.from({ length: 30 }, (_, index) => [`guest-${index}`, -index] as const)
    await arrive(store, Object.fromEntries(due))
    const taken = await Promise.all([store, other, store, other].map((handle) => claim(handle, { max: 10 })))
    expect([taken.flat().length, new Set(taken.flat()).size]).toEqual([30, 30])
  })
}
