import type { Store } from '../../ports/store.ts'
import type { GuestCredential } from '../../domain/credential.ts'
import { codeOf, type TestTools } from './suite.ts'
import { accessCredential, credential, event, fullCredential, HOME, NEIGHBOUR, put, write } from './samples.ts'

const expects = (generation: number, revision?: number) => ({
  generation,
  ...(revision === undefined ? {} : { revision }),
})

export function removalCases({ test, expect }: TestTools): void {
  test('removes a credential with its profile, and frees its id and subject', async ({ store, other }) => {
    await put(store, fullCredential('alice'))
    await put(store, credential('bob', 1))
    expect(await store.commit({ connection: HOME, removals: [{ id: 'alice', expect: expects(1, 1) }] })).toEqual('done')
    expect((await other.find(HOME, 'alice')).revision).toEqual(0)
    expect(await other.findBySubject(HOME, 'subject-of-alice')).toEqual(undefined)
    const page = await other.list(HOME, { kind: 'guest', limit: 9 })
    expect(page.credentials.map(({ id }) => id)).toEqual(['bob'])
    const back = credential('alice', 5)
    expect(await other.commit({ connection: HOME, writes: [write(back, 0, 0)] })).toEqual('done')
    expect((await store.find(HOME, 'alice')).credential?.generation).toEqual(5)
  })

  test('removes nothing of a change when a row is another one by then', async ({ store }) => {
    await put(store, credential('alice', 1))
    await put(store, credential('bob', 1))
    const removals = [{ id: 'alice', expect: expects(1) }]
    const conflicts = await Promise.all([
      store.commit({ connection: HOME, removals: [...removals, { id: 'bob', expect: expects(2) }] }),
      store.commit({ connection: HOME, removals: [{ id: 'bob', expect: expects(1, 2) }] }),
      store.commit({ connection: HOME, removals: [{ id: 'carol', expect: expects(1) }] }),
      store.commit({ connection: HOME, removals, writes: [write(credential('bob', 3), 2)] }),
    ])
    expect(conflicts).toEqual(conflicts.map(() => 'conflict'))
    expect((await store.list(HOME, { kind: 'guest', limit: 9 })).credentials.length).toEqual(2)
    expect((await store.find(NEIGHBOUR, 'alice')).revision).toEqual(0)
  })
}

const ids = (found: readonly { readonly credential: GuestCredential }[]) => found.map(({ credential: { id } }) => id)

export function endedGuestCases({ test, expect }: TestTools): void {
  test('lists guests whose last token expired, those that ended first first', async ({ store, other }) => {
    await put(store, credential('late', 1, { aliveUntil: 3_000 }))
    await put(store, credential('early', 1, { aliveUntil: 1_000, status: 'revoked' }))
    await put(store, credential('live', 1, { aliveUntil: 9_000 }))
    await put(store, credential('never', 1, { createdAt: 2_000.5 }))
    await put(store, accessCredential('access'))
    await put(store, credential('theirs', 1, { connection: NEIGHBOUR, aliveUntil: 1 }))
    const found = await other.endedGuests(HOME, { before: 9_000, limit: 9 })
    expect(found.map(({ credential: { id }, endedAt, revision }) => [id, endedAt, revision])).toEqual([
      ['early', 1_000, 1],
      ['never', 2_000.5, 1],
      ['late', 3_000, 1],
    ])
    expect(ids(await other.endedGuests(HOME, { before: 1_000, limit: 9 }))).toEqual([])
    const { kinds } = await store.sizes(HOME)
    expect(kinds.find(({ kind }) => kind === 'ended-guests')?.oldestAt).toEqual(1_000)
  })

  test('continues a list of ended guests after the last one, also among equal times', async ({ store }) => {
    for (const id of ['b', 'c', 'a', 'd']) await put(store, credential(id, 1, { aliveUntil: id === 'd' ? 8 : 7 }))
    const first = await store.endedGuests(HOME, { before: 9, limit: 2 })
    const after = { id: first[1]?.credential.id ?? '', endedAt: first[1]?.endedAt ?? 0 }
    expect([ids(first), ids(await store.endedGuests(HOME, { before: 9, limit: 9, after }))]).toEqual([
      ['a', 'b'],
      ['c', 'd'],
    ])
    expect(await codeOf(store.endedGuests(HOME, { before: 9, limit: 1_001 }))).toEqual('invalid_input')
  })

  test('forgets the former end of a guest that has a new token', async ({ store }) => {
    await put(store, credential('alice', 1, { aliveUntil: 1_000 }))
    await store.commit({ connection: HOME, writes: [write(credential('alice', 2, { aliveUntil: 5_000 }))] })
    expect(await store.endedGuests(HOME, { before: 5_000, limit: 9 })).toEqual([])
  })
}

const all = ['1', '2', '3', '4', '5'].map((id) => event(id, { actor: 'to:hub' }))
const countsOf = async (store: Store) => (await store.chain(HOME, { limit: 9 })).links.map(({ count }) => count)

export function pruneCases({ test, expect }: TestTools): void {
  test('removes the first links, at most so many at a time, and keeps the later ones as they are', async (handles) => {
    const { store, other } = handles
    await store.commit({ connection: HOME, events: all })
    const [, , ...later] = (await store.chain(HOME, { limit: 9 })).links
    const head = await store.chainHead(HOME)
    const removed = [1, 9, 9].map((limit) => () => other.prune(HOME, { through: 2, limit }))
    expect([await removed[0]?.(), await removed[1]?.(), await removed[2]?.()]).toEqual([1, 1, 0])
    expect((await store.chain(HOME, { limit: 9 })).links).toEqual(later)
    expect((await store.chain(HOME, { limit: 1, after: 2 })).links).toEqual(later.slice(0, 1))
    expect(await store.chainHead(HOME)).toEqual(head)
    expect(await codeOf(store.prune(HOME, { through: 2, limit: 1_001 }))).toEqual('invalid_input')
  })

  test('goes on counting after all links were removed', async ({ store, other }) => {
    await store.commit({ connection: HOME, events: all.slice(0, 2) })
    await store.commit({ connection: NEIGHBOUR, events: [event('9', { connection: NEIGHBOUR })] })
    await store.prune(HOME, { through: 9, limit: 9 })
    expect(await countsOf(other)).toEqual([])
    await other.commit({ connection: HOME, events: all.slice(2) })
    expect(await countsOf(store)).toEqual([3, 4, 5])
    expect((await store.events(NEIGHBOUR, { limit: 9 })).events.length).toEqual(1)
  })

  test('removes pruned events from the queues of the outbox, dead letters too', async ({ store }) => {
    await store.commit({ connection: HOME, events: all })
    const settled = [{ event: all[0]?.id ?? '', then: 'dead-letter', why: 'refused' }] as const
    await store.outbox.settle('hub', settled)
    await store.outbox.enqueue(HOME, 'other', [all[1]?.id ?? ''])
    await store.prune(HOME, { through: 3, limit: 9 })
    expect(await store.outbox.counts('hub')).toEqual({ waiting: 2, deadLetters: 0 })
    expect(await store.outbox.counts('other')).toEqual({ waiting: 0, deadLetters: 0 })
    expect(await store.outbox.enqueue(HOME, 'hub', [all[0]?.id ?? ''])).toEqual(0)
  })
}
