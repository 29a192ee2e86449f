import type { TestTools } from './suite.ts'
import { HOME } from './samples.ts'

export function leaseCases({ test, expect }: TestTools): void {
  test('grants a free lease, and refuses it to another holder with the time until its end', async ({
    store,
    other,
    advance,
  }) => {
    expect(await store.lease(HOME, 'renewal', 'p1', 10_000)).toEqual({ granted: true, endsInMs: 10_000 })
    await advance(4_000)
    expect(await other.lease(HOME, 'renewal', 'p2', 10_000)).toEqual({ granted: false, endsInMs: 6_000 })
    expect((await other.lease(HOME, 'another', 'p2', 10_000)).granted).toEqual(true)
  })

  test('prolongs a lease for its holder', async ({ store, other, advance }) => {
    await store.lease(HOME, 'renewal', 'p1', 10_000)
    await advance(9_000)
    expect(await store.lease(HOME, 'renewal', 'p1', 10_000)).toEqual({ granted: true, endsInMs: 10_000 })
    await advance(9_000)
    expect(await other.lease(HOME, 'renewal', 'p2', 10_000)).toEqual({ granted: false, endsInMs: 1_000 })
  })

  test('ends a lease after its length', async ({ store, other, advance }) => {
    await store.lease(HOME, 'renewal', 'p1', 10_000)
    await advance(10_000)
    expect((await other.lease(HOME, 'renewal', 'p2', 10_000)).granted).toEqual(true)
    expect((await store.lease(HOME, 'renewal', 'p1', 10_000)).granted).toEqual(false)
  })

  test('releases a lease only for its holder', async ({ store, other }) => {
    await store.lease(HOME, 'renewal', 'p1', 10_000)
    await other.release(HOME, 'renewal', 'p2')
    expect((await other.lease(HOME, 'renewal', 'p2', 10_000)).granted).toEqual(false)
    await other.release(HOME, 'renewal', 'p1')
    expect((await other.lease(HOME, 'renewal', 'p2', 10_000)).granted).toEqual(true)
  })

  test('grants a lease to one of several concurrent requests', async ({ store, other }) => {
    const answers = await Promise.all(
      Array.from({ length: 10 }, (_, index) => (index % 2 ? store : other).lease(HOME, 'renewal', `p${index}`, 1_000)),
    )
    expect(answers.filter((answer) => answer.granted).length).toEqual(1)
  })
}
