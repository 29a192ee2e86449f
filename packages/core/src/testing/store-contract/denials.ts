import type { Issued } from '../../ports/store.ts'
import type { Bench, Chapter } from './frame.ts'
import { HOME, NEIGHBOUR } from './samples.ts'

const LIFE = 60_000

/** A token of a credential that lives for a minute from now. */
async function issue({ store }: Bench, credential: string, fingerprint: string): Promise<Issued> {
  const { now } = await store.find(HOME, credential)
  const issued = { credential, fingerprint, expiresAt: now + LIFE }
  await store.commit({ connection: HOME, issued: [issued] })
  return issued
}

export function denialsChapter({ says, expect }: Chapter): void {
  says('denies every remembered token of a credential, and of no other', async (bench) => {
    await issue(bench, 'alice', 'a1')
    await issue(bench, 'alice', 'a2')
    await issue(bench, 'bob', 'b1')
    await bench.store.commit({ connection: HOME, deny: ['alice', 'nobody'] })
    const denied = ['a1', 'a2', 'b1', 'never-issued'].map((fingerprint) => bench.other.denied(HOME, fingerprint))
    expect(await Promise.all(denied)).toEqual([true, true, false, false])
  })

  says('knows every remembered token until it expires, denied or not, and no other', async (bench) => {
    await issue(bench, 'alice', 'a1')
    await issue(bench, 'bob', 'b1')
    await bench.store.commit({ connection: HOME, deny: ['alice'] })
    const known = (): Promise<boolean[]> =>
      Promise.all(['a1', 'b1', 'never-issued'].map((fingerprint) => bench.other.issued(HOME, fingerprint)))
    expect(await known()).toEqual([true, true, false])
    expect(await bench.other.issued(NEIGHBOUR, 'a1')).toEqual(false)
    await bench.advance(LIFE)
    expect(await known()).toEqual([false, false, false])
  })

  says('denies a token until it expires', async (bench) => {
    await issue(bench, 'alice', 'a1')
    await bench.store.commit({ connection: HOME, deny: ['alice'] })
    await bench.advance(LIFE - 1)
    expect(await bench.other.denied(HOME, 'a1')).toEqual(true)
    await bench.advance(1)
    expect(await bench.other.denied(HOME, 'a1')).toEqual(false)
  })

  says('leaves tokens good that a credential gets with the denial or after it', async (bench) => {
    const old = await issue(bench, 'alice', 'a1')
    await bench.store.commit({ connection: HOME, deny: ['alice'], issued: [{ ...old, fingerprint: 'a2' }] })
    await issue(bench, 'alice', 'a3')
    const denied = ['a1', 'a2', 'a3'].map((fingerprint) => bench.other.denied(HOME, fingerprint))
    expect(await Promise.all(denied)).toEqual([true, false, false])
  })

  says('keeps a token denied that is remembered again', async (bench) => {
    const token = await issue(bench, 'alice', 'a1')
    await bench.store.commit({ connection: HOME, deny: ['alice'] })
    await bench.other.commit({ connection: HOME, issued: [{ ...token, credential: 'bob' }] })
    expect(await bench.store.denied(HOME, 'a1')).toEqual(true)
  })

  says('still denies what has not expired when many tokens have come and gone', async (bench) => {
    const { now } = await bench.store.find(HOME, 'alice')
    const batch = (name: string, expiresAt: number): Issued[] =>
      Array.from({ length: 700 }, (_, index) => ({ credential: 'many', fingerprint: `${name}${index}`, expiresAt }))
    const lasting = { credential: 'alice', fingerprint: 'a1', expiresAt: now + 30 * 86_400_000 }
    await bench.store.commit({ connection: HOME, issued: [lasting, ...batch('x', now + 1)] })
    await bench.store.commit({ connection: HOME, deny: ['alice'] })
    await bench.advance(3 * 86_400_000)
    for (const name of ['y', 'z']) await bench.store.commit({ connection: HOME, issued: batch(name, now + 1) })
    expect(await bench.other.denied(HOME, 'a1')).toEqual(true)
  })
}
