import type { Chapter } from './frame.ts'
import { codeOf } from './frame.ts'
import { HOME } from './samples.ts'

const MINUTE = 60_000
const ask = { perMinute: 60, burst: 2, permits: 1, maxWaitMs: 10_000 }

export function leasesChapter({ says, expect }: Chapter): void {
  says('grants a free lease and refuses it to others, saying when it ends', async ({ store, other, advance }) => {
    expect(await store.lease(HOME, 'renewal', 'p1', 10_000)).toEqual({ granted: true, endsInMs: 10_000 })
    await advance(4_000)
    expect(await other.lease(HOME, 'renewal', 'p2', 10_000)).toEqual({ granted: false, endsInMs: 6_000 })
    expect((await other.lease(HOME, 'another', 'p2', 10_000)).granted).toEqual(true)
  })

  says('prolongs a lease for its holder', async ({ store, other, advance }) => {
    await store.lease(HOME, 'renewal', 'p1', 10_000)
    await advance(9_000)
    expect(await store.lease(HOME, 'renewal', 'p1', 10_000)).toEqual({ granted: true, endsInMs: 10_000 })
    await advance(9_000)
    expect(await other.lease(HOME, 'renewal', 'p2', 10_000)).toEqual({ granted: false, endsInMs: 1_000 })
  })

  says('ends a lease by itself', async ({ store, other, advance }) => {
    await store.lease(HOME, 'renewal', 'p1', 10_000)
    await advance(10_000)
    expect((await other.lease(HOME, 'renewal', 'p2', 10_000)).granted).toEqual(true)
    expect((await store.lease(HOME, 'renewal', 'p1', 10_000)).granted).toEqual(false)
  })

  says('lets the holder alone release a lease', async ({ store, other }) => {
    await store.lease(HOME, 'renewal', 'p1', 10_000)
    await other.release(HOME, 'renewal', 'p2')
    expect((await other.lease(HOME, 'renewal', 'p2', 10_000)).granted).toEqual(false)
    await other.release(HOME, 'renewal', 'p1')
    expect((await other.lease(HOME, 'renewal', 'p2', 10_000)).granted).toEqual(true)
  })

  says('grants a lease to one of many who ask at once', async ({ store, other }) => {
    const answers = await Promise.all(
      Array.from({ length: 10 }, (_, index) => (index % 2 ? store : other).lease(HOME, 'renewal', `p${index}`, 1_000)),
    )
    expect(answers.filter((answer) => answer.granted).length).toEqual(1)
  })
}

export function permitsChapter({ says, expect }: Chapter): void {
  says('gives permits from one bucket to all handles: first the burst, then at the rate', async ({ store, other }) => {
    const waits: number[] = []
    for (const handle of [store, other, store, other]) {
      waits.push(Math.round((await handle.reserve(HOME, 'oauth', ask)).waitMs))
    }
    expect(waits).toEqual([0, 0, 1_000, 2_000])
    expect((await store.reserve(HOME, 'guests', ask)).waitMs).toEqual(0)
  })

  says('pays permits back as time passes', async ({ store, other, advance }) => {
    await store.reserve(HOME, 'oauth', { ...ask, permits: 2 })
    await advance(500)
    expect(Math.round((await other.reserve(HOME, 'oauth', ask)).waitMs)).toEqual(500)
    await advance(MINUTE)
    expect(await other.reserve(HOME, 'oauth', { ...ask, permits: 2 })).toEqual({
      granted: true,
      waitMs: 0,
      intervalMs: 0,
    })
  })

  says('spreads several permits so that none comes before its turn', async ({ store }) => {
    await store.reserve(HOME, 'oauth', { ...ask, permits: 2 })
    const { waitMs, intervalMs } = await store.reserve(HOME, 'oauth', { ...ask, permits: 3 })
    expect([Math.round(waitMs), Math.round(intervalMs)]).toEqual([1_000, 1_000])
  })

  says(
    'reserves nothing when the wait would be too long, and says when to ask again',
    async ({ store, other, advance }) => {
      await store.reserve(HOME, 'oauth', { ...ask, permits: 5 })
      const refused = await other.reserve(HOME, 'oauth', { ...ask, maxWaitMs: 1_500 })
      expect([refused.granted, Math.round(refused.waitMs)]).toEqual([false, 2_500])
      await advance(2_500)
      const granted = await other.reserve(HOME, 'oauth', { ...ask, maxWaitMs: 1_501 })
      expect([granted.granted, Math.round(granted.waitMs)]).toEqual([true, 1_500])
    },
  )

  says('lets nobody send during a pause that anybody learned of', async ({ store, other, advance }) => {
    await store.learn(HOME, 'oauth', { pauseMs: 5_000 })
    await other.learn(HOME, 'oauth', { pauseMs: 1_000 })
    await advance(1_000)
    expect(Math.round((await other.reserve(HOME, 'oauth', ask)).waitMs)).toEqual(4_000)
    expect((await other.reserve(HOME, 'guests', ask)).waitMs).toEqual(0)
  })

  says('remembers a lower limit for all handles, and ignores a higher one', async ({ store, other }) => {
    await store.learn(HOME, 'oauth', { perMinute: 30 })
    expect((await other.reserve(HOME, 'oauth', { ...ask, burst: 1, permits: 2 })).intervalMs).toEqual(2_000)
    await store.learn(HOME, 'guests', { perMinute: 600 })
    expect((await other.reserve(HOME, 'guests', { ...ask, burst: 1, permits: 2 })).intervalMs).toEqual(1_000)
  })

  says('never gives more than the burst at once to many who ask together', async ({ store, other }) => {
    const answers = await Promise.all(
      Array.from({ length: 20 }, (_, index) =>
        (index % 2 ? store : other).reserve(HOME, 'oauth', { ...ask, maxWaitMs: 0 }),
      ),
    )
    expect(answers.filter((answer) => answer.granted).length).toEqual(2)
  })

  says('refuses an ask or a lesson that makes no sense', async ({ store }) => {
    const codes = [
      store.reserve(HOME, 'oauth', { ...ask, perMinute: 0 }),
      store.reserve(HOME, 'oauth', { ...ask, burst: 0 }),
      store.reserve(HOME, 'oauth', { ...ask, permits: 0 }),
      store.reserve(HOME, 'oauth', { ...ask, maxWaitMs: Number.NaN }),
      store.learn(HOME, 'oauth', { pauseMs: Number.POSITIVE_INFINITY }),
      store.learn(HOME, 'oauth', { perMinute: 0 }),
    ].map(codeOf)
    expect(await Promise.all(codes)).toEqual(codes.map(() => 'invalid_input'))
  })
}

export function factsChapter({ says, expect }: Chapter): void {
  says('remembers a JSON value, the latest one, for all handles', async ({ store, other }) => {
    const value = { keys: [{ kid: 'k1', n: 'ünï' }], offset: -1.5, none: null, yes: true }
    expect(await store.fact(HOME, 'keys')).toEqual(undefined)
    await store.setFact(HOME, 'keys', 'old')
    await other.setFact(HOME, 'keys', value)
    expect(await store.fact(HOME, 'keys')).toEqual(value)
    expect(await store.fact(HOME, 'other')).toEqual(undefined)
  })

  says('tells null from absent, and forgets a value that is set to undefined', async ({ store }) => {
    await store.setFact(HOME, 'keys', null)
    expect(await store.fact(HOME, 'keys')).toEqual(null)
    await store.setFact(HOME, 'keys', undefined)
    expect(await store.fact(HOME, 'keys')).toEqual(undefined)
  })
}
