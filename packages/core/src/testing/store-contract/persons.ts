import { profileSecret } from '../../domain/profile.ts'
import type { TestTools } from './suite.ts'
import { accessCredential, credential, HOME, NEIGHBOUR, revealed, put, write } from './samples.ts'

const profile = profileSecret({ email: 'ann@example.com', name: 'Ann' })

export function personCases({ test, expect }: TestTools): void {
  test('finds the guests of a person by the digest, within the connection', async ({ store, other }) => {
    const of = (id: string, person: string, connection = HOME) => ({
      ...credential(id, 1, { profile, person }),
      connection,
    })
    for (const id of ['c', 'a', 'd']) await put(store, of(id, 'ann'))
    await put(store, of('b', 'bob'))
    await put(store, of('x', 'ann', NEIGHBOUR))
    await put(store, credential('e', 1))
    const first = await other.list(HOME, { kind: 'guest', person: 'ann', limit: 2 })
    expect([first.credentials.map(({ id }) => id), first.next]).toEqual([['a', 'c'], 'c'])
    const second = await other.list(HOME, { kind: 'guest', person: 'ann', limit: 2, after: 'c' })
    expect([second.credentials.map(({ id }) => id), 'next' in second]).toEqual([['d'], false])
    const { tokens: _gone, ...bare } = credential('a', 2, { status: 'erased' })
    await store.commit({ connection: HOME, writes: [write(bare)] })
    const left = await other.list(HOME, { kind: 'guest', person: 'ann', limit: 9 })
    expect(left.credentials.map(revealed)).toEqual([of('c', 'ann'), of('d', 'ann')].map(revealed))
  })

  test('finds the guests whose digest does not fit their profile', async ({ store, other }) => {
    await put(store, credential('ann', 1, { profile }))
    await put(store, credential('bob', 1, { profile, person: '' }))
    await put(store, credential('cleo', 1))
    await put(store, credential('dora', 1, { person: 'digest-of-dora' }))
    await put(store, accessCredential('service'))
    const unindexed = async () =>
      (await other.list(HOME, { kind: 'guest', unindexed: true, limit: 9 })).credentials.map(({ id }) => id)
    expect(await unindexed()).toEqual(['ann', 'dora'])
    await store.commit({ connection: HOME, writes: [write(credential('ann', 1, { profile, person: 'ann' }), 1)] })
    expect(await unindexed()).toEqual(['dora'])
  })
}
