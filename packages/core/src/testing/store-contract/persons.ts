import { openProfile, sealedProfile } from '../../domain/profile.ts'
import type { Chapter } from './frame.ts'
import { credential, event, HOME, NEIGHBOUR, plain, put, write } from './samples.ts'

const profile = sealedProfile({ email: 'ann@example.com', name: 'Ann' })
const ann = (generation = 1) => credential('ann', generation, { profile })

export function personsChapter({ says, expect }: Chapter): void {
  says('gives back a profile, and the latest one after it was written over', async ({ store, other }) => {
    await put(store, ann())
    expect(plain((await other.find(HOME, 'ann')).credential)).toEqual(plain(ann()))
    const next = credential('ann', 2, { profile: sealedProfile({ email: 'new@example.com' }) })
    await other.commit({ connection: HOME, writes: [write(next)] })
    const { credential: found } = await store.find(HOME, 'ann')
    expect(openProfile(found?.profile)).toEqual({ email: 'new@example.com' })
    const { credentials } = await store.list(HOME, { kind: 'guest', limit: 9 })
    expect(credentials.map((one) => openProfile(one.profile))).toEqual([{ email: 'new@example.com' }])
  })

  says('finds a credential by its subject, within its connection', async ({ store, other }) => {
    await put(store, ann())
    await put(store, credential('bob', 1))
    expect(plain(await other.findBySubject(HOME, 'subject-of-ann'))).toEqual(plain(ann()))
    expect(await other.findBySubject(NEIGHBOUR, 'subject-of-ann')).toEqual(undefined)
    expect(await other.findBySubject(HOME, 'subject-of-nobody')).toEqual(undefined)
  })

  says('knows an erased credential by none of its subjects, and nothing of its person', async ({ store, other }) => {
    await put(store, ann())
    const { tokens: _gone, ...bare } = credential('ann', 2, { status: 'erased', subject: 'nobody' })
    expect(await store.commit({ connection: HOME, writes: [write(bare)] })).toEqual('done')
    const found = await Promise.all(['subject-of-ann', 'nobody'].map((one) => other.findBySubject(HOME, one)))
    expect(found).toEqual([undefined, undefined])
    expect(plain((await other.find(HOME, 'ann')).credential)).toEqual(bare)
  })

  says('names the connections that have something, each once and in order', async ({ store, other }) => {
    expect(await store.connections()).toEqual([])
    await put(store, credential('ann', 1))
    await put(store, credential('bob', 1))
    await store.commit({ connection: NEIGHBOUR, events: [event('1', { connection: NEIGHBOUR })] })
    const documents = [{ kind: 'webhook', id: 'a', value: 1, expect: { revision: 0 } }]
    await store.commit({ connection: 'a-third', documents })
    expect(await other.connections()).toEqual(['a-third', HOME, NEIGHBOUR])
  })
}
