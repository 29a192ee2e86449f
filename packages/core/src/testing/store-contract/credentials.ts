import { guestIn } from '../../domain/credential.ts'
import { codeOf, type TestTools } from './suite.ts'
import { accessCredential, credential, fullCredential, HOME, revealed, put, tokens, write } from './samples.ts'

export function credentialCases({ test, expect }: TestTools): void {
  test('finds an absent credential with revision 0, and the time of the store', async ({ store, advance }) => {
    const before = await store.find(HOME, 'unknown')
    await advance(1_000)
    const after = await store.find(HOME, 'unknown')
    expect([before.revision, 'credential' in before, after.now >= before.now + 1_000]).toEqual([0, false, true])
  })

  test('returns a credential with every part as it was written, and secrets as Secret', async ({ store, other }) => {
    await put(store, fullCredential('alice'))
    expect(revealed((await other.find(HOME, 'alice')).credential)).toEqual(revealed(fullCredential('alice')))
  })

  test('returns a credential without optional parts, and adds none', async ({ store, other }) => {
    const { refresh: _, ...withoutRefresh } = tokens('x')
    await put(store, credential('bare'))
    await put(store, accessCredential('service', { tokens: { ...withoutRefresh, verified: false } }))
    const names = async (id: string): Promise<string[]> =>
      Object.keys((await other.find(HOME, id)).credential ?? {}).sort()
    expect(await names('bare')).toEqual(Object.keys(credential('bare')).sort())
    const found = (await other.find(HOME, 'service')).credential
    expect(['refresh' in (found?.tokens ?? {}), found?.tokens?.verified]).toEqual([false, false])
  })

  test('removes a part that a later write leaves out', async ({ store, other }) => {
    await put(store, fullCredential('alice'))
    await store.commit({ connection: HOME, writes: [write(credential('alice', 2, { status: 'revoked' }))] })
    await store.commit({ connection: HOME, writes: [write(credential('bob'), 0)] })
    const { tokens: _, ...ended } = credential('alice', 2, { status: 'erased' })
    expect(revealed((await other.find(HOME, 'alice')).credential)).toEqual(
      revealed(credential('alice', 2, { status: 'revoked' })),
    )
    await store.commit({ connection: HOME, writes: [write(ended, 2)] })
    expect(revealed((await other.find(HOME, 'alice')).credential)).toEqual(ended)
  })

  test('keeps its own copy: a change of what was written or read changes nothing stored', async ({ store }) => {
    const scopes = ['conversations']
    await put(store, credential('alice', 1, { request: { scopes } }))
    scopes.push('everything')
    const read = guestIn(await store.find(HOME, 'alice'))?.request?.scopes as string[]
    if (!Object.isFrozen(read)) read.push('everything')
    expect(guestIn(await store.find(HOME, 'alice'))?.request).toEqual({ scopes: ['conversations'] })
  })
}

export function generationCases({ test, expect }: TestTools): void {
  test('counts the writes of a row as its revision', async ({ store, other }) => {
    await put(store, credential('alice', 1))
    await store.commit({ connection: HOME, writes: [write(credential('alice', 1, { status: 'in_doubt' }), 1)] })
    expect((await other.find(HOME, 'alice')).revision).toEqual(2)
  })

  test('treats an absent row as generation 0 and revision 0', async ({ store }) => {
    const commit = (id: string, generation: number, revision?: number): Promise<string> =>
      store.commit({ connection: HOME, writes: [write(credential(id, 1), generation, revision)] })
    expect([await commit('a', 1), await commit('b', 0, 1), await commit('c', 0), await commit('d', 0, 0)]).toEqual([
      'conflict',
      'conflict',
      'done',
      'done',
    ])
  })

  test('treats a row of generation 0 as generation 0, whatever its revision', async ({ store }) => {
    await put(store, credential('alice'))
    expect(await store.commit({ connection: HOME, writes: [write(credential('alice', 1), 0, 0)] })).toEqual('conflict')
    expect(await store.commit({ connection: HOME, writes: [write(credential('alice', 1), 0)] })).toEqual('done')
  })

  test('lets one of several concurrent writers replace a generation', async ({ store, other }) => {
    await put(store, credential('alice', 1))
    const outcomes = await Promise.all(
      Array.from({ length: 12 }, (_, index) =>
        (index % 2 ? store : other).commit({ connection: HOME, writes: [write(credential('alice', 2))] }),
      ),
    )
    expect(outcomes.filter((outcome) => outcome === 'done').length).toEqual(1)
    expect((await store.find(HOME, 'alice')).revision).toEqual(2)
  })

  test('commits tokens that expect their generation only, although another handle has written the row', async ({
    store,
    other,
  }) => {
    await put(store, credential('alice', 1))
    const { revision } = await store.find(HOME, 'alice')
    await other.commit({ connection: HOME, writes: [write(fullCredential('alice', 1), 1, revision)] })
    expect(await store.commit({ connection: HOME, writes: [write(credential('alice', 2))] })).toEqual('done')
  })

  test('answers conflict for a write that expects an older revision', async ({ store, other }) => {
    await put(store, credential('alice', 1))
    const { revision } = await store.find(HOME, 'alice')
    await other.commit({ connection: HOME, writes: [write(fullCredential('alice', 1), 1, revision)] })
    const late = credential('alice', 1, { status: 'in_doubt' })
    expect(await store.commit({ connection: HOME, writes: [write(late, 1, revision)] })).toEqual('conflict')
    expect((await store.find(HOME, 'alice')).credential?.status).toEqual('active')
  })

  test('writes several rows together', async ({ store, other }) => {
    const writes = [write(credential('alice', 1)), write(credential('bob', 1))]
    expect(await store.commit({ connection: HOME, writes })).toEqual('done')
    expect([(await other.find(HOME, 'alice')).revision, (await other.find(HOME, 'bob')).revision]).toEqual([1, 1])
  })
}

export function credentialListCases({ test, expect }: TestTools): void {
  test('lists the credentials of a kind page by page in the order of their ids', async ({ store, other }) => {
    for (const id of ['d', 'b', 'e', 'a', 'c']) await put(store, credential(id, 1))
    await put(store, accessCredential('bb'))
    const ids: string[][] = []
    let after: string | undefined
    do {
      const page = await other.list(HOME, { kind: 'guest', limit: 2, ...(after === undefined ? {} : { after }) })
      ids.push(page.credentials.map(({ id }) => id))
      after = page.next
    } while (after !== undefined)
    expect(ids).toEqual([['a', 'b'], ['c', 'd'], ['e']])
    expect((await other.list(HOME, { kind: 'access', limit: 9 })).credentials.map(revealed)).toEqual([
      revealed(accessCredential('bb')),
    ])
  })

  test('ends a list whose last page is full, and lists a credential that was added since', async ({ store }) => {
    for (const id of ['a', 'b']) await put(store, credential(id))
    const page = await store.list(HOME, { kind: 'guest', limit: 2 })
    await put(store, credential('aa'))
    const again = await store.list(HOME, { kind: 'guest', limit: 2 })
    expect(['next' in page, again.next, again.credentials.length]).toEqual([false, 'aa', 2])
  })

  test('rejects a list limit that is not 1 to 1000', async ({ store }) => {
    const codes = [0, 1_001, 1.5, Number.NaN].map((limit) => codeOf(store.list(HOME, { kind: 'guest', limit })))
    expect(await Promise.all(codes)).toEqual(codes.map(() => 'invalid_input'))
    expect(await codeOf(store.list(HOME, { kind: 'guest', limit: 1_000 }))).toEqual('none')
  })
}
