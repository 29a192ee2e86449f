import { afterEach, describe, expect, it } from 'vitest'
import type { Event } from '../../src/domain/events/event.ts'
import { Secret } from '../../src/domain/secret.ts'
import { HOUR, MINUTE, SECOND } from '../../src/domain/time.ts'
import { GuestpassError } from '../../src/domain/errors.ts'
import type { HttpRequest } from '../../src/ports/http.ts'
import type { Store } from '../../src/ports/store.ts'
import { credential, event } from '../../src/testing/store-contract/samples.ts'
import { createEndpointSink } from '../../src/webhooks/endpoint-sink.ts'
import { payloadFor } from '../../src/webhooks/payload.ts'
import { webhooks } from '../../src/webhooks/webhooks.ts'
import { recordingObserver } from '../world/recording-observer.ts'
import { configured, createSite, never, plainEvents, startReceiver } from './world.ts'

const closing: (() => Promise<void>)[] = []
afterEach(async () => {
  for (const close of closing.splice(0).toReversed()) await close()
})

/** One endpoint, which answers with what `now` says at the time. */
async function world() {
  const now: { status: number; hangs: boolean } = { status: 204, hangs: false }
  const peer = await startReceiver(() => now)
  closing.push(peer.close)
  const site = createSite([configured('one', `${peer.url}/one`)])
  closing.push(site.close)
  let last = 0
  const happens = (): Promise<unknown> => site.commit([event(`${(last += 1)}`, { type: 'KEYS_ROTATED' })])
  return { ...site, peer, now, happens }
}

describe('an endpoint that takes nothing', () => {
  it('is sent to less and less often, down to once a minute, until it takes a message', async () => {
    const { hooks, clock, peer, now, happens } = await world()
    now.status = 500
    /** Seconds until it is sent to again, with a new event each second. */
    const backOffOf = async (): Promise<number> => {
      const before = peer.received.length
      for (let seconds = 0; ; seconds += 1) {
        await happens()
        await hooks.drain(never)
        if (peer.received.length > before) return seconds
        await clock.advance(SECOND)
      }
    }
    const backOffs: number[] = []
    for (let nth = 0; nth < 8; nth += 1) backOffs.push(await backOffOf())
    expect(backOffs).toEqual([0, 2, 4, 8, 16, 32, 60, 60])
    now.status = 204
    await clock.advance(MINUTE)
    await hooks.drain(never)
    now.status = 500
    expect([await backOffOf(), await backOffOf()]).toEqual([0, 2])
  })

  it('is sent no further message of a batch after 20 s; the others are released and count no attempt', async () => {
    const { hooks, clock, peer, now, happens, store } = await world()
    now.hangs = true
    for (let nth = 0; nth < 5; nth += 1) await happens()
    const draining = hooks.drain(never)
    for (let tried = 1; tried <= 2; tried += 1) {
      await expect.poll(() => peer.received.length).toBe(tried)
      await clock.advance(15 * SECOND)
    }
    await draining
    expect(peer.received).toHaveLength(2)
    const left = await store.outbox.claim('webhook:default:one', 9, 1)
    expect(left.map(({ attempts }) => attempts)).toEqual([0, 0, 0])
  })
})

describe('webhooks that run', () => {
  it('report an endpoint that takes nothing, while another takes all, until it takes a message or is removed', async () => {
    const answers: Record<string, number> = { '/one': 500, '/two': 204 }
    const peer = await startReceiver((path) => ({ status: answers[path] ?? 204 }))
    closing.push(peer.close)
    const site = createSite([configured('one', `${peer.url}/one`), configured('two', `${peer.url}/two`)])
    closing.push(site.close)
    const observed = recordingObserver()
    const stop = new AbortController()
    const running = site.hooks.run(stop.signal, observed.observer)
    await site.commit(plainEvents(1))
    /** The requests are real and take their time; meanwhile the clock creeps. */
    const come = (path: string, count: number) =>
      expect.poll(async () => (await site.clock.advance(SECOND), peer.of(path).length), { timeout: 20_000 }).toBe(count)
    await come('/two', 1)
    await come('/one', 1)
    await expect.poll(() => observed.last()).toBe('webhook_failed')
    expect(observed.messages).toEqual(['Webhook one: the endpoint answered 500.'])
    const before = observed.calls.length
    await site.clock.advance(3 * SECOND)
    expect(observed.calls).toHaveLength(before)
    answers['/one'] = 204
    await come('/one', 2)
    await expect.poll(async () => (await site.clock.advance(SECOND), observed.last())).toBe('succeeded')
    stop.abort()
    await running
  })

  it('report no failure of an endpoint that was removed', async () => {
    const { clock, commit, hooks } = await world()
    const observed = recordingObserver()
    const stop = new AbortController()
    const { id } = await hooks.endpoints.add({ url: 'https://hooks.example.invalid/' })
    const running = hooks.run(stop.signal, observed.observer)
    await commit(plainEvents(1))
    await expect
      .poll(async () => (await clock.advance(SECOND), observed.last()), { timeout: 20_000 })
      .toBe('webhook_failed')
    await hooks.endpoints.remove(id)
    await clock.advance(5 * SECOND)
    expect(observed.last()).toBe('succeeded')
    stop.abort()
    await running
  })
})

describe('a message that cannot be made', () => {
  it('delays no other message, and is a dead letter after all attempts', async () => {
    const { ports, store, clock, commit, peer } = await world()
    const broken: Store = {
      ...store,
      findBySubject: async (connection, subject) => {
        if (subject === 'broken') throw new GuestpassError('store_corrupt', 'The row cannot be opened.')
        return store.findBySubject(connection, subject)
      },
    }
    const hooks = webhooks(
      { connection: 'default', configured: [configured('one', `${peer.url}/one`)] },
      { ...ports, store: broken },
    )
    await commit([event('1', { type: 'KEYS_ROTATED', subject: 'broken' }), event('2', { type: 'KEYS_ROTATED' })])
    await hooks.drain(never)
    expect(peer.received.map(({ headers }) => headers['webhook-id'])).toEqual([event('2').id])
    for (let tried = 0; tried < 10; tried += 1) {
      await clock.advance(25 * HOUR)
      await hooks.drain(never)
    }
    const { messages } = await hooks.deadLetters('one', { limit: 9 })
    expect(messages).toMatchObject([
      { event: { id: event('1').id }, attempts: 10, why: expect.stringContaining('store_corrupt') },
    ])
  })
})

describe('an endpoint that was removed', () => {
  it('gets none of the messages that its delivery worker had claimed', async () => {
    const { hooks, ports, clock } = await world()
    const sink = createEndpointSink('unknown', { connection: 'default', endpoints: hooks.endpoints }, ports)
    const due = plainEvents(2).map((one) => ({ event: one, attempts: 0 }))
    expect(await sink.deliver(due, never)).toEqual(due.map(({ event: { id } }) => ({ event: id, then: 'done' })))
    expect(clock.sleeping).toBe(0)
  })

  it('has its delivery worker stopped', async () => {
    const { hooks, clock } = await world()
    const stop = new AbortController()
    const running = hooks.run(stop.signal)
    await clock.advance(3 * SECOND)
    const asleep = clock.sleeping
    const { id } = await hooks.endpoints.add({ url: 'https://hooks.example.com/' })
    await clock.advance(3 * SECOND)
    expect(clock.sleeping).toBe(asleep + 1)
    await hooks.endpoints.remove(id)
    await clock.advance(3 * SECOND)
    expect(clock.sleeping).toBe(asleep)
    stop.abort()
    await running
    expect(clock.sleeping).toBe(0)
  })
})

describe('the network', () => {
  it('of endpoints that were added is the guarded one, of configured ones the other', async () => {
    const { ports, clock, commit } = await world()
    const sent: [string, HttpRequest][] = []
    const noting = (network: string) => async (request: HttpRequest) => {
      sent.push([network, request])
      return { status: 204, headers: {}, bytes: new Uint8Array() }
    }
    const hooks = webhooks(
      { connection: 'default', configured: [configured('idp', 'http://127.0.0.1:1/')] },
      { ...ports, http: noting('open'), guardedHttp: noting('guarded') },
    )
    await hooks.endpoints.add({ url: 'https://hooks.example.com/in' })
    await commit(plainEvents(1))
    await hooks.drain(never)
    expect(Object.fromEntries(sent.map(([network, { url }]) => [network, url]))).toEqual({
      guarded: 'https://hooks.example.com/in',
      open: 'http://127.0.0.1:1/',
    })
    expect(clock.sleeping).toBe(0)
  })
})

describe('an added endpoint that opted in', () => {
  it('is sent the token that an event made, as a secret of the request', () => {
    const endpoint = {
      ...configured('one', 'https://hooks.example.com/', { includeToken: true }),
      events: 'all',
      createdAt: 0,
      configured: false,
    } as const
    const of = event('1', { type: 'TOKEN_GENERATED_SUCCESS', generation: 2 })
    const payload = payloadFor(endpoint, of, { credential: credential('guest-1', 2), now: 0 })
    expect(payload?.body).toMatchObject({ data: { newToken: 'access-guest-1-2', guestId: 'guest-1' } })
    expect(payload?.token).toBeInstanceOf(Secret)
    const failed = payloadFor(endpoint, { ...of, outcome: 'failure' } as Event, {
      credential: credential('guest-1', 2),
      now: 0,
    })
    expect(JSON.stringify(failed?.body)).not.toContain('newToken')
  })
})
