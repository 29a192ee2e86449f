import { generateKeyPairSync, type KeyObject, sign } from 'node:crypto'
import { describe, expect, it } from 'vitest'
import { HOUR, MINUTE } from '../../src/domain/time.ts'
import type { Http } from '../../src/ports/http.ts'
import { connection } from '../../src/connection/connection.ts'
import { nodePlatform } from '../../src/node/crypto.ts'
import { memoryStore } from '../../src/stores/memory-store.ts'
import { fakeClock, seededRandom } from '../../src/testing/index.ts'
import { json } from '../world/fake-upstream.ts'
import { hosts } from '../world/world.ts'
import { recordingObserver } from '../world/recording-observer.ts'
import { world } from '../world/world.ts'

const pairs = ['first', 'second'].map((kid) => ({ kid, ...generateKeyPairSync('ec', { namedCurve: 'P-256' }) }))
const [first, second] = pairs as [(typeof pairs)[0], (typeof pairs)[0]]
const part = (value: object): string => Buffer.from(JSON.stringify(value)).toString('base64url')

function tokenOf({ kid, privateKey: key }: { kid: string; privateKey: KeyObject }, seconds: number): string {
  const input = `${part({ alg: 'ES256', kid })}.${part({ sub: 'guest', exp: seconds })}`
  return `${input}.${sign('sha256', Buffer.from(input), { key, dsaEncoding: 'ieee-p1363' }).toString('base64url')}`
}

/** A connection whose key-set is that of the hosts, and what of it was fetched. */
async function mirroring() {
  const clock = fakeClock()
  let published = [first]
  let isReachable = true
  const fetches: number[] = []
  const http: Http = async ({ url }) => {
    expect(url).toBe(hosts.jwksUrl)
    fetches.push(clock.wall())
    if (!isReachable) throw new Error('unreachable')
    return json(200, { keys: published.map(({ kid, publicKey }) => ({ ...publicKey.export({ format: 'jwk' }), kid })) })
  }
  const own = await connection(
    { hosts, client: { id: 'client' }, algorithms: ['ES256'] },
    { store: memoryStore({ clock }), clock, random: seededRandom(), http, platform: nodePlatform() },
  )
  const judge = async (by: typeof first): Promise<string> => {
    const verdict = await own.verifier.verify(tokenOf(by, clock.wall() / 1_000 + 60))
    return verdict.valid ? 'valid' : verdict.reason
  }
  return {
    clock,
    connection: own,
    fetches,
    judge,
    publish: (...keys: (typeof first)[]): void => void (published = keys),
    cut: (): void => void (isReachable = false),
    mend: (): void => void (isReachable = true),
  }
}

describe('a connection that runs in the background', () => {
  it('refuses a token of a removed key within the interval, though no token came meanwhile', async () => {
    const { connection: own, clock, judge, publish, fetches, cut } = await mirroring()
    const control = new AbortController()
    const running = own.run(control.signal)
    await clock.advance(0)
    expect(await judge(first)).toBe('valid')
    publish(second)
    await clock.advance(10 * MINUTE)
    const soFar = fetches.length
    expect(soFar).toBeGreaterThanOrEqual(2)
    // Nothing can be fetched any more: what is said now is what the mirror learned without a token.
    cut()
    expect(await judge(second)).toBe('valid')
    expect(await judge(first)).toBe('unknown_key')
    control.abort()
    await running
    const last = fetches.length
    await clock.advance(HOUR)
    expect(fetches).toHaveLength(last)
  })

  it('has the keys before the first token comes', async () => {
    const { connection: own, clock, fetches } = await mirroring()
    const control = new AbortController()
    const running = own.run(control.signal)
    await clock.advance(0)
    expect(fetches).toHaveLength(1)
    expect(own.keys.keys()).toMatchObject({ keys: [{ kid: 'first' }] })
    control.abort()
    await running
  })

  it('reports keys that cannot be fetched, though the last ones still serve, and that they can be again', async () => {
    const { connection: own, clock, judge, cut, mend } = await mirroring()
    const observed = recordingObserver()
    const control = new AbortController()
    const running = own.run(control.signal, observed.observer)
    await clock.advance(0)
    expect(observed.calls).toEqual(['succeeded'])
    cut()
    await clock.advance(10 * MINUTE)
    expect([observed.last(), await judge(first)]).toEqual(['keys_unavailable', 'valid'])
    expect(observed.messages[0]).toContain('cannot be had')
    mend()
    await clock.advance(10 * MINUTE)
    expect(observed.last()).toBe('succeeded')
    control.abort()
    await running
  })

  it('with keys that are given fetches nothing, and runs until it is stopped', async () => {
    const here = world()
    const observed = recordingObserver()
    const control = new AbortController()
    let hasEnded = false
    const running = (await here.process()).run(control.signal, observed.observer).then(() => (hasEnded = true))
    await here.clock.advance(HOUR)
    expect([hasEnded, observed.calls]).toEqual([false, ['succeeded']])
    control.abort()
    await running
  })

  it('fetches nothing until it runs', async () => {
    const { clock, fetches } = await mirroring()
    await clock.advance(HOUR)
    expect(fetches).toEqual([])
  })
})
