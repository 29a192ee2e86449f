import { arrive, claim, guest, HOUR, MINUTE, nowOf, rewrite } from './due-guests.ts'
import type { Chapter } from './frame.ts'
import { credential, HOME, put, write } from './samples.ts'

export function keptChapter({ says, expect }: Chapter): void {
  says('keeps a guest for a time from its first write, and longer when it is touched', async (bench) => {
    const { store, other, advance } = bench
    await arrive(store, { left: HOUR, used: HOUR })
    await advance(30 * MINUTE)
    await other.touch(HOME, 'used')
    await advance(30 * MINUTE)
    expect(await claim(store, { keepForMs: HOUR, leaseMs: 1 })).toEqual(['left', 'used'])
    await advance(30 * MINUTE)
    expect(await claim(store, { keepForMs: HOUR, leaseMs: 1 })).toEqual(['used'])
    await advance(1)
    expect(await claim(store, { keepForMs: HOUR })).toEqual([])
  })

  says('does not count a renewal as asking for a guest', async (bench) => {
    const { store, advance } = bench
    const now = await arrive(store, { alice: 0 })
    await advance(2 * HOUR)
    await rewrite(bench, guest('alice', now, 2))
    expect(await claim(store, { keepForMs: HOUR })).toEqual([])
  })

  says('gives a guest that was not kept when somebody asks for it again', async ({ store, other, advance }) => {
    await arrive(store, { alice: 0 })
    await advance(2 * HOUR)
    expect(await claim(store, { keepForMs: HOUR })).toEqual([])
    await other.touch(HOME, 'alice')
    expect(await claim(store, { keepForMs: HOUR })).toEqual(['alice'])
  })

  says('gives a guest that one keeper does not keep to another that keeps it for longer', async (bench) => {
    const { store, other, advance } = bench
    await arrive(store, { alice: 0 })
    await advance(2 * HOUR)
    expect(await claim(store, { keepForMs: HOUR })).toEqual([])
    expect(await claim(other, { keepForMs: 3 * HOUR })).toEqual(['alice'])
  })

  says('finds a guest that is kept behind many that are not', async ({ store, advance }) => {
    const now = await nowOf(store)
    const many = Array.from({ length: 250 }, (_, index) => write(guest(`left-${index}`, now - index), 0))
    await store.commit({ connection: HOME, writes: many })
    await advance(2 * HOUR)
    await put(store, guest('alice', now + 2 * HOUR))
    expect(await claim(store, { max: 1, keepForMs: HOUR })).toEqual(['alice'])
  })

  says('gives no more than asked for when some among the due ones are not kept', async ({ store, other, advance }) => {
    const now = await arrive(store, { left: 1 })
    await advance(2 * HOUR)
    for (const [id, dueAt] of Object.entries({ a: 0, b: 2, c: 3 })) await put(store, guest(id, now + dueAt))
    const keepForMs = HOUR
    expect([await claim(store, { max: 2, keepForMs }), await claim(other, { keepForMs })]).toEqual([['a', 'b'], ['c']])
  })

  says('changes neither revision nor generation by a touch or a claim', async ({ store, other, advance }) => {
    await arrive(store, { alice: 0 })
    await advance(HOUR)
    await other.touch(HOME, 'alice')
    await claim(other)
    const { revision, credential: found } = await store.find(HOME, 'alice')
    expect([revision, found?.generation]).toEqual([1, 1])
    const note = write(guest('alice', 0, 1, { status: 'in_doubt' }), 1, revision)
    expect(await store.commit({ connection: HOME, writes: [note] })).toEqual('done')
  })

  says('does nothing when an unknown id is touched', async ({ store }) => {
    await store.touch(HOME, 'nobody')
    expect((await store.find(HOME, 'nobody')).revision).toEqual(0)
    await put(store, credential('nobody', 1))
  })
}
