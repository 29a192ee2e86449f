import { createHmac } from 'node:crypto'
import { inspect } from 'node:util'
import { afterEach, describe, expect, it } from 'vitest'
import { Secret } from '../../src/domain/secret.ts'
import { HOUR, MINUTE, SECOND } from '../../src/domain/time.ts'
import { credential, event, HOME } from '../../src/testing/store-contract/samples.ts'
import { BATCH_LEASE } from '../../src/webhooks/endpoint-sink.ts'
import { signatures } from '../../src/webhooks/signature.ts'
import { signingSecret } from '../../src/webhooks/signing-secret.ts'
import {
  type Answer,
  configured,
  type ReceivedRequest,
  createSite,
  never,
  plainEvents,
  startReceiver,
  SECRET,
} from './world.ts'

const closing: (() => Promise<void>)[] = []
afterEach(async () => {
  for (const close of closing.splice(0).toReversed()) await close()
})

async function world(answer?: (path: string, nth: number) => Answer, ids: readonly string[] = ['one']) {
  const peer = await startReceiver(answer)
  closing.push(peer.close)
  const site = createSite(ids.map((id) => configured(id, `${peer.url}/${id}`)))
  closing.push(site.close)
  return { ...site, peer }
}

describe('an event', () => {
  it('is delivered once, as Standard Webhooks says, with its generation and without connection, actor and Idempotency-Key', async () => {
    const { hooks, commit, peer } = await world()
    const one = event('1', { generation: 4, idempotencyKey: 'key', latencyMs: 12, data: { api: 'guest-tokens' } })
    await commit([one], credential('guest-1', 4, { subject: one.subject }))
    expect(await hooks.drain(never)).toBe(1)
    expect(await hooks.drain(never)).toBe(0)
    expect(peer.received).toHaveLength(1)
    expect(peer.received[0]?.body).toEqual({
      type: 'TOKEN_GENERATED_SUCCESS',
      timestamp: '2026-01-01T00:00:00.000Z',
      data: {
        eventId: one.id,
        outcome: 'success',
        subject: one.subject,
        guestId: 'guest-1',
        generation: 4,
        correlationId: 'one-request',
        latencyMs: 12,
        statusCode: null,
        error: null,
        data: { api: 'guest-tokens' },
      },
    })
    expect(peer.received[0]?.headers).toMatchObject({ 'webhook-id': one.id, 'content-type': 'application/json' })
  })

  it('is signed with every secret while one replaces another, so that a receiver with either takes it', async () => {
    const { commit, peer, open, random, clock } = await world()
    const second = new Secret(signingSecret(random))
    const hooks = open({ configured: [configured('one', `${peer.url}/one`, { secrets: [second, SECRET] })] })
    await commit(plainEvents(1))
    await hooks.drain(never)
    const { headers = {}, text = '' }: Partial<ReceivedRequest> = peer.received[0] ?? {}
    const { 'webhook-id': id, 'webhook-signature': given } = headers
    expect(headers['webhook-timestamp']).toBe(String(clock.wall() / SECOND))
    const signed = `${String(id)}.${clock.wall() / SECOND}.${text}`
    const expected = [second, SECRET].map((one) => {
      const key = Buffer.from(one.reveal().slice('whsec_'.length), 'base64')
      return `v1,${createHmac('sha256', key).update(signed).digest('base64')}`
    })
    expect(String(given).split(' ')).toEqual(expected)
  })

  it('about a guest that was never stored is sent', async () => {
    const { hooks, commit, peer } = await world()
    await commit([event('1', { type: 'guest.authentication', outcome: 'failure' })])
    await hooks.drain(never)
    expect(peer.received.map(({ body }) => body['type'])).toEqual(['guest.authentication'])
  })

  it('about a guest that was erased meanwhile is not sent, except GUEST_ERASED', async () => {
    const { hooks, commit, peer } = await world()
    await commit([event('1', { type: 'REFRESH_COMPLETED' }), event('2', { type: 'GUEST_ERASED' })])
    await hooks.drain(never)
    expect(peer.received.map(({ body }) => body['type'])).toEqual(['GUEST_ERASED'])
    expect(await hooks.counts('one')).toEqual({ waiting: 0, deadLetters: 0 })
  })

  it('of another connection is not sent', async () => {
    const { hooks, store, peer } = await world()
    await store.commit({ connection: 'neighbour', events: [event('1', { connection: 'neighbour' })] })
    await hooks.drain(never)
    expect(peer.received).toEqual([])
  })

  it('that was taken is recorded as WEBHOOK_SYNCED, which is sent to no webhook', async () => {
    const { hooks, commit, deliveryEvents, peer, store } = await world()
    const [one] = plainEvents(1)
    await commit(plainEvents(1))
    await hooks.drain(never)
    expect(await store.outbox.counts('webhooks:default')).toEqual({ waiting: 0, deadLetters: 0 })
    await hooks.drain(never)
    expect(await deliveryEvents()).toMatchObject([
      {
        type: 'WEBHOOK_SYNCED',
        outcome: 'success',
        subject: one?.subject,
        statusCode: 204,
        data: { webhook: 'one', event: one?.id, eventType: 'KEYS_ROTATED', attempt: 1 },
      },
    ])
    expect(peer.received).toHaveLength(1)
  })
})

describe('a delivery that fails', () => {
  it.each([
    [500, {}],
    [404, {}],
    [302, { location: 'http://127.0.0.1:1/' }],
  ])('with %i is tried again after 5 s under the same id and a new time', async (status, headers) => {
    const { hooks, commit, clock, peer, deliveryEvents } = await world((_, nth) =>
      nth === 1 ? { status, headers } : {},
    )
    await commit(plainEvents(1))
    await hooks.drain(never)
    await clock.advance(5 * SECOND - 1)
    await hooks.drain(never)
    expect(peer.received).toHaveLength(1)
    await clock.advance(1)
    await hooks.drain(never)
    const [first, second] = peer.received
    expect(second?.headers['webhook-id']).toBe(first?.headers['webhook-id'])
    expect(Number(second?.headers['webhook-timestamp']) - Number(first?.headers['webhook-timestamp'])).toBe(5)
    expect(second?.headers['webhook-signature']).not.toBe(first?.headers['webhook-signature'])
    expect((await deliveryEvents()).map(({ type }) => type)).toEqual(['WEBHOOK_FAILED', 'WEBHOOK_SYNCED'])
  })

  it('is not tried before its Retry-After, and neither is anything else at that endpoint', async () => {
    const { hooks, commit, clock, peer } = await world((_, nth) =>
      nth === 1 ? { status: 429, headers: { 'retry-after': '3600' } } : {},
    )
    await commit(plainEvents(1))
    await hooks.drain(never)
    await commit([event('9', { type: 'GRANT_ENDED' })])
    await clock.advance(HOUR - 1)
    await hooks.drain(never)
    expect(peer.received).toHaveLength(1)
    await clock.advance(1)
    await hooks.drain(never)
    expect(peer.received).toHaveLength(3)
  })

  it('leaves its endpoint alone for no longer when the clock is set back meanwhile', async () => {
    const { hooks, commit, clock, peer } = await world((_, nth) =>
      nth === 1 ? { status: 429, headers: { 'retry-after': '60' } } : {},
    )
    await commit(plainEvents(1))
    await hooks.drain(never)
    clock.stepWall(-HOUR)
    await commit([event('9', { type: 'GRANT_ENDED' })])
    await clock.advance(MINUTE)
    await hooks.drain(never)
    expect(peer.received.length).toBeGreaterThan(1)
  })

  it('is a dead letter after ten tries, and can be sent again by hand', async () => {
    let broken = true
    const { hooks, commit, clock, peer, deliveryEvents } = await world(() => (broken ? { status: 503 } : {}))
    const [one] = plainEvents(1)
    await commit(plainEvents(1))
    for (let tried = 0; tried < 12; tried += 1) {
      await hooks.drain(never)
      await clock.advance(25 * HOUR)
    }
    expect(peer.received).toHaveLength(10)
    expect(await hooks.counts('one')).toEqual({ waiting: 0, deadLetters: 1 })
    expect((await deliveryEvents()).at(-1)).toMatchObject({ type: 'WEBHOOK_PARKED', data: { attempt: 10 } })
    const { messages } = await hooks.deadLetters('one', { limit: 10 })
    expect(messages).toMatchObject([{ event: { id: one?.id }, attempts: 10, why: 'the endpoint answered 503' }])
    broken = false
    expect(await hooks.redeliver('one')).toBe(1)
    await hooks.drain(never)
    expect(peer.received).toHaveLength(11)
    expect(await hooks.counts('one')).toEqual({ waiting: 0, deadLetters: 0 })
  })

  it('makes an event due now that waits for its next try, when it is redelivered', async () => {
    let broken = true
    const { hooks, commit, clock } = await world(() => (broken ? { status: 503 } : {}))
    await commit(plainEvents(1))
    await hooks.drain(never)
    await clock.advance(HOUR / 12)
    await hooks.drain(never)
    broken = false
    await clock.advance(MINUTE)
    await hooks.drain(never)
    expect(await hooks.counts('one')).toEqual({ waiting: 1, deadLetters: 0 })
    expect(await hooks.redeliver('one')).toBe(1)
    await hooks.drain(never)
    expect(await hooks.counts('one')).toEqual({ waiting: 0, deadLetters: 0 })
  })

  it('lets later events of the endpoint pass', async () => {
    const { hooks, commit, peer } = await world((_, nth) => (nth === 1 ? { status: 500 } : {}))
    await commit([event('1', { type: 'KEYS_ROTATED' }), event('2', { type: 'KEYS_ROTATED' })])
    await hooks.drain(never)
    expect(peer.received.map(({ headers }) => String(headers['webhook-id']).at(-1))).toEqual(['1', '2'])
  })

  it('records neither the answer of the endpoint nor a secret', async () => {
    const { hooks, commit, deliveryEvents, store } = await world(() => ({
      status: 500,
      headers: { 'x-canary': 'canary' },
    }))
    await commit(plainEvents(1))
    await hooks.drain(never)
    const heard = inspect(
      [await deliveryEvents(), await store.outbox.deadLetters('webhook:default:one', { limit: 9 })],
      {
        depth: 9,
      },
    )
    expect(heard).not.toMatch(/canary|whsec_|127\.0\.0\.1/)
  })
})

describe('an endpoint that is gone', () => {
  it('is disabled by a 410 and gets nothing more; what waits for it is kept', async () => {
    let status = 410
    const { hooks, commit, peer, deliveryEvents, clock } = await world(() => ({ status }))
    await commit([event('1', { type: 'KEYS_ROTATED' }), event('2', { type: 'KEYS_ROTATED' })])
    await hooks.drain(never)
    await hooks.drain(never)
    expect(peer.received).toHaveLength(1)
    expect((await deliveryEvents()).map(({ type }) => type)).toEqual([
      'WEBHOOK_PARKED',
      'WEBHOOK_DISABLED',
      'WEBHOOK_PARKED',
    ])
    expect(await hooks.endpoints.get('one')).toMatchObject({
      disabled: { why: 'the endpoint answered 410: it is gone' },
    })
    await commit([event('3', { type: 'KEYS_ROTATED' })])
    await hooks.drain(never)
    expect([peer.received.length, await hooks.counts('one')]).toEqual([1, { waiting: 0, deadLetters: 2 }])
    await expect(hooks.redeliver('one')).rejects.toMatchObject({ code: 'webhook_failed' })
    status = 204
    await hooks.endpoints.enable('one')
    expect(await hooks.redeliver('one')).toBe(2)
    await clock.advance(MINUTE)
    await hooks.drain(never)
    expect(peer.received).toHaveLength(3)
  })
})

describe('a slow endpoint', () => {
  it('delays no other endpoint, and its events wait', async () => {
    const { hooks, commit, clock, peer, deliveryEvents } = await world(
      (path) => (path === '/slow' ? { hangs: true } : {}),
      ['slow', 'quick'],
    )
    await commit(plainEvents(60))
    const draining = hooks.drain(never)
    await expect.poll(() => peer.of('/quick').length).toBe(60)
    expect((await deliveryEvents()).filter(({ data }) => data && 'webhook' in data && data.webhook === 'slow')).toEqual(
      [],
    )
    await expect.poll(() => peer.of('/slow').length).toBe(20)
    await clock.advance(15 * SECOND)
    await draining
    const failed = (await deliveryEvents()).filter(({ type }) => type === 'WEBHOOK_FAILED')
    expect(failed).toHaveLength(20)
    expect(failed[0]?.error?.message).toContain('no answer within 15 s')
    expect(await hooks.counts('slow')).toEqual({ waiting: 60, deadLetters: 0 })
  })

  it('whose delivery the process aborts counts no attempt, and gets it at once from the next process', async () => {
    const { hooks, commit, peer, store } = await world((_, nth) => ({ hangs: nth === 1 }))
    await commit(plainEvents(1))
    const stop = new AbortController()
    const draining = hooks.drain(stop.signal)
    await expect.poll(() => peer.received.length).toBe(1)
    stop.abort()
    await draining
    expect(await store.outbox.claim('webhook:default:one', 1, 0)).toMatchObject([{ attempts: 0 }])
    await hooks.drain(never)
    expect(await hooks.counts('one')).toEqual({ waiting: 0, deadLetters: 0 })
  })
})

describe('webhooks that run', () => {
  it('notice added endpoints, deliver to them side by side, and end when the signal aborts', async () => {
    const { hooks, commit, clock, peer, store } = await world(
      (path) => (path === '/slow' ? { hangs: true } : {}),
      ['slow', 'quick'],
    )
    const stop = new AbortController()
    const running = hooks.run(stop.signal)
    for (let nth = 0; nth < 3; nth += 1) {
      await commit([event(`${nth}`, { type: 'KEYS_ROTATED' })])
      await expect
        .poll(async () => {
          await clock.advance(SECOND)
          return peer.of('/quick').length
        })
        .toBe(nth + 1)
    }
    stop.abort()
    await running
    expect(clock.sleeping).toBe(0)
    expect(await store.outbox.counts(`webhook:${HOME}:slow`)).toEqual({ waiting: 3, deadLetters: 0 })
  })
})

describe('several processes on one store', () => {
  it('share the work: everything is sent, and nothing twice', async () => {
    const { open, commit, peer } = await world()
    await commit(plainEvents(120))
    await Promise.all([open(), open(), open()].map((process) => process.drain(never)))
    await open().drain(never)
    const ids = peer.received.map(({ headers }) => headers['webhook-id'])
    expect([ids.length, new Set(ids).size]).toEqual([120, 120])
  })

  it('wait no longer than a lease for what one of them held when it died', async () => {
    const { hooks, commit, store, clock, peer } = await world()
    await commit(plainEvents(1))
    await store.outbox.route('webhooks:default', [{ event: plainEvents(1)[0]?.id ?? '', to: ['webhook:default:one'] }])
    expect(await store.outbox.claim('webhook:default:one', 20, BATCH_LEASE)).toHaveLength(1)
    await hooks.drain(never)
    expect(peer.received).toEqual([])
    await clock.advance(BATCH_LEASE)
    await hooks.drain(never)
    expect(peer.received).toHaveLength(1)
  })
})

describe('a test of an endpoint', () => {
  it('sends one message now, and records its outcome', async () => {
    let status = 204
    const { hooks, peer, deliveryEvents } = await world(() => ({ status }))
    expect(await hooks.test('one', never)).toMatchObject({ result: 'taken', statusCode: 204 })
    status = 500
    expect(await hooks.test('one', never)).toMatchObject({ result: 'failed', why: 'the endpoint answered 500' })
    expect(peer.received.map(({ body }) => body['type'])).toEqual(['WEBHOOK_TEST', 'WEBHOOK_TEST'])
    expect((await deliveryEvents()).map(({ type, outcome }) => [type, outcome])).toEqual([
      ['WEBHOOK_TEST', 'success'],
      ['WEBHOOK_TEST', 'failure'],
    ])
    await expect(hooks.test('unknown', never)).rejects.toMatchObject({ code: 'webhook_unknown' })
  })
})

describe('an endpoint of the configuration', () => {
  it.each([[[]], [[new Secret('whsec_AAAA')]]])('is refused with the secrets %j', (secrets) => {
    const given = configured('one', 'http://127.0.0.1:9', { secrets })
    expect(() => createSite([given])).toThrow(
      expect.objectContaining({ code: 'config_invalid', message: expect.stringContaining('configured[0].secrets') }),
    )
  })
})

describe('signatures', () => {
  it('are those of the example in the documentation of Standard Webhooks', () => {
    const secret = new Secret('whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw')
    expect(signatures([secret], 'msg_p5jXN8AQM9LWM0D4loKWxJek', 1_614_265_330_000, '{"test": 2432232314}')).toBe(
      'v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=',
    )
  })
})
