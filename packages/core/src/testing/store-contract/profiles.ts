import { guestIn, guestsIn } from '../../domain/credential.ts'
import { profileIn, profileSecret } from '../../domain/profile.ts'
import type { TestTools } from './suite.ts'
import { credential, event, HOME, NEIGHBOUR, revealed, put, write } from './samples.ts'

const profile = profileSecret({ email: 'ann@example.com', name: 'Ann' })
const ann = (generation = 1) => credential('ann', generation, { profile })

export function profileCases({ test, expect }: TestTools): void {
  test('returns the profile of the last write', async ({ store, other }) => {
    await put(store, ann())
    expect(revealed((await other.find(HOME, 'ann')).credential)).toEqual(revealed(ann()))
    const next = credential('ann', 2, { profile: profileSecret({ email: 'new@example.com' }) })
    await other.commit({ connection: HOME, writes: [write(next)] })
    expect(profileIn(guestIn(await store.find(HOME, 'ann'))?.profile)).toEqual({ email: 'new@example.com' })
    const page = await store.list(HOME, { kind: 'guest', limit: 9 })
    expect(guestsIn(page).map((one) => profileIn(one.profile))).toEqual([{ email: 'new@example.com' }])
  })

  test('finds a credential by its subject, within its connection', async ({ store, other }) => {
    await put(store, ann())
    await put(store, credential('bob', 1))
    expect(revealed(await other.findBySubject(HOME, 'subject-of-ann'))).toEqual(revealed(ann()))
    expect(await other.findBySubject(NEIGHBOUR, 'subject-of-ann')).toEqual(undefined)
    expect(await other.findBySubject(HOME, 'subject-of-unknown')).toEqual(undefined)
  })

  test('finds an erased credential by none of its subjects, and without its profile', async ({ store, other }) => {
    await put(store, ann())
    const { tokens: _gone, ...bare } = credential('ann', 2, { status: 'erased', subject: 'erased' })
    expect(await store.commit({ connection: HOME, writes: [write(bare)] })).toEqual('done')
    const found = await Promise.all(['subject-of-ann', 'erased'].map((one) => other.findBySubject(HOME, one)))
    expect(found).toEqual([undefined, undefined])
    expect(revealed((await other.find(HOME, 'ann')).credential)).toEqual(bare)
  })

  test('names the connections that have data, each once and in order', async ({ store, other }) => {
    expect(await store.connections()).toEqual([])
    await put(store, credential('ann', 1))
    await put(store, credential('bob', 1))
    await store.commit({ connection: NEIGHBOUR, events: [event('1', { connection: NEIGHBOUR })] })
    const documents = [{ kind: 'webhook', id: 'a', value: 1, expect: { revision: 0 } }]
    await store.commit({ connection: 'a-third', documents })
    expect(await other.connections()).toEqual(['a-third', HOME, NEIGHBOUR])
  })
}
