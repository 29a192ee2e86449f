import type { IssuedToken } from '../../ports/store.ts'
import type { StoreHandles, TestTools } from './suite.ts'
import { HOME, NEIGHBOUR } from './samples.ts'

const LIFE = 60_000

/** Remembers a token of a credential that lives for a minute from now. */
async function issue({ store }: StoreHandles, credential: string, fingerprint: string): Promise<IssuedToken> {
  const { now } = await store.find(HOME, credential)
  const issued = { credential, fingerprint, expiresAt: now + LIFE }
  await store.commit({ connection: HOME, issued: [issued] })
  return issued
}

export function denialCases({ test, expect }: TestTools): void {
  test('denies every remembered token of a credential, and of no other', async (handles) => {
    await issue(handles, 'alice', 'a1')
    await issue(handles, 'alice', 'a2')
    await issue(handles, 'bob', 'b1')
    await handles.store.commit({ connection: HOME, deny: ['alice', 'unknown'] })
    const denied = ['a1', 'a2', 'b1', 'never-issued'].map((fingerprint) => handles.other.denied(HOME, fingerprint))
    expect(await Promise.all(denied)).toEqual([true, true, false, false])
  })

  test('reports every remembered token as issued until it expires, denied or not', async (handles) => {
    await issue(handles, 'alice', 'a1')
    await issue(handles, 'bob', 'b1')
    await handles.store.commit({ connection: HOME, deny: ['alice'] })
    const known = (): Promise<boolean[]> =>
      Promise.all(['a1', 'b1', 'never-issued'].map((fingerprint) => handles.other.issued(HOME, fingerprint)))
    expect(await known()).toEqual([true, true, false])
    expect(await handles.other.issued(NEIGHBOUR, 'a1')).toEqual(false)
    await handles.advance(LIFE)
    expect(await known()).toEqual([false, false, false])
  })

  test('denies a token until it expires', async (handles) => {
    await issue(handles, 'alice', 'a1')
    await handles.store.commit({ connection: HOME, deny: ['alice'] })
    await handles.advance(LIFE - 1)
    expect(await handles.other.denied(HOME, 'a1')).toEqual(true)
    await handles.advance(1)
    expect(await handles.other.denied(HOME, 'a1')).toEqual(false)
  })

  test('denies no token that the credential gets with the denial or after it', async (handles) => {
    const old = await issue(handles, 'alice', 'a1')
    await handles.store.commit({ connection: HOME, deny: ['alice'], issued: [{ ...old, fingerprint: 'a2' }] })
    await issue(handles, 'alice', 'a3')
    const denied = ['a1', 'a2', 'a3'].map((fingerprint) => handles.other.denied(HOME, fingerprint))
    expect(await Promise.all(denied)).toEqual([true, false, false])
  })

  test('still denies a token that is remembered again', async (handles) => {
    const token = await issue(handles, 'alice', 'a1')
    await handles.store.commit({ connection: HOME, deny: ['alice'] })
    await handles.other.commit({ connection: HOME, issued: [{ ...token, credential: 'bob' }] })
    expect(await handles.store.denied(HOME, 'a1')).toEqual(true)
  })

  test('denies an unexpired token after many other tokens have expired', async (handles) => {
    const { now } = await handles.store.find(HOME, 'alice')
    const batch = (name: string, expiresAt: number): IssuedToken[] =>
      Array.from({ length: 700 }, (_, index) => ({ credential: 'many', fingerprint: `${name}${index}`, expiresAt }))
    const lasting = { credential: 'alice', fingerprint: 'a1', expiresAt: now + 30 * 86_400_000 }
    await handles.store.commit({ connection: HOME, issued: [lasting, ...batch('x', now + 1)] })
    await handles.store.commit({ connection: HOME, deny: ['alice'] })
    await handles.advance(3 * 86_400_000)
    for (const name of ['y', 'z']) await handles.store.commit({ connection: HOME, issued: batch(name, now + 1) })
    expect(await handles.other.denied(HOME, 'a1')).toEqual(true)
  })
}
