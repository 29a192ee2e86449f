import { afterEach, describe, expect, it } from 'vitest'
import { DAY } from '../../src/domain/time.ts'
import { settle } from '../../src/testing/index.ts'
import { event, HOME } from '../../src/testing/store-contract/samples.ts'
import { createRegistration } from '../../src/webhooks/registration.ts'
import { recordingObserver } from '../world/recording-observer.ts'
import { configured, createSite, never, startReceiver } from './world.ts'

const closing: (() => Promise<void>)[] = []
afterEach(async () => {
  for (const close of closing.splice(0).toReversed()) await close()
})

/** A process whose configuration has an endpoint, and one on the same store whose configuration has none. */
async function world() {
  const peer = await startReceiver()
  closing.push(peer.close)
  const site = createSite([configured('idm', `${peer.url}/idm`, { contract: 'idm' })], { clientId: 'client' })
  closing.push(site.close)
  const plain = site.open({ configured: [] })
  let last = 0
  /** Something happens that the endpoint wants, and something that it does not; the other process dispatches it. */
  const happens = async (): Promise<void> => {
    const [wanted, other] = [`${(last += 1)}`, `${(last += 1)}`]
    await site.commit([event(wanted, { type: 'ACCESS_TOKEN_RENEWED' }), event(other, { type: 'KEYS_ROTATED' })])
    await plain.drain(never)
  }
  return { ...site, peer, plain, happens }
}

describe('an endpoint that only another process has in its configuration', () => {
  it('gets what this process dispatches, once it was registered', async () => {
    const { hooks, peer, happens } = await world()
    await happens()
    await hooks.register()
    await happens()
    expect(peer.received).toEqual([])
    await hooks.drain(never)
    expect(peer.received).toHaveLength(1)
  })

  it('gets nothing more after 7 days in which no process said that it has it', async () => {
    const { hooks, clock, happens } = await world()
    await hooks.register()
    await clock.advance(6 * DAY)
    await happens()
    expect(await hooks.counts('idm')).toMatchObject({ waiting: 1 })
    await hooks.register()
    await clock.advance(6 * DAY)
    await happens()
    expect(await hooks.counts('idm')).toMatchObject({ waiting: 2 })
    await clock.advance(DAY)
    await happens()
    expect(await hooks.counts('idm')).toMatchObject({ waiting: 2 })
  })

  it('is registered by a process that runs', async () => {
    const { hooks, happens } = await world()
    const stop = new AbortController()
    const running = hooks.run(stop.signal)
    await settle()
    stop.abort()
    await running
    await happens()
    expect(await hooks.counts('idm')).toMatchObject({ waiting: 1 })
  })

  it('stays registered for as long as one runs', async () => {
    const { ports, clock, hooks, happens } = await world()
    const stop = new AbortController()
    const one = createRegistration(HOME, [configured('idm', 'https://idm.example.com/', { contract: 'idm' })], ports)
    const running = one.run(stop.signal, recordingObserver().observer)
    await clock.advance(8 * DAY)
    stop.abort()
    await running
    await happens()
    expect(await hooks.counts('idm')).toMatchObject({ waiting: 1 })
  })

  it('is registered with one write a day', async () => {
    const { hooks, clock, store } = await world()
    const revision = async (): Promise<number> => (await store.document(HOME, 'webhook-configured', 'idm')).revision
    await hooks.register()
    const first = await revision()
    await hooks.register()
    expect(await revision()).toBe(first)
    await clock.advance(DAY)
    await hooks.register()
    expect(await revision()).not.toBe(first)
  })
})
