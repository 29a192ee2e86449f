import { inspect } from 'node:util'
import { afterEach, describe, expect, it } from 'vitest'
import type { GuestCredential } from '../../src/domain/credential.ts'
import type { Event } from '../../src/domain/events/event.ts'
import { SECOND } from '../../src/domain/time.ts'
import { credential, event, fullCredential, HOME } from '../../src/testing/store-contract/samples.ts'
import type { ConfiguredEndpoint } from '../../src/webhooks/endpoints.ts'
import { payloadFor } from '../../src/webhooks/payload.ts'
import { refusal } from '../world/world.ts'
import { configured, createSite, never, startReceiver, SECRET } from './world.ts'

const closing: (() => Promise<void>)[] = []
afterEach(async () => {
  for (const close of closing.splice(0).toReversed()) await close()
})

/** One endpoint of a contract, and a guest whose subject the events name. */
async function world(
  contract: ConfiguredEndpoint['contract'],
  more: Partial<ConfiguredEndpoint> = {},
  clientId?: string,
) {
  const peer = await startReceiver()
  closing.push(peer.close)
  const site = createSite(
    [configured(contract, `${peer.url}/${contract}`, { contract, ...more })],
    clientId === undefined ? {} : { clientId },
  )
  closing.push(site.close)
  const happens = async (events: readonly Event[], guest?: GuestCredential): Promise<readonly unknown[]> => {
    await site.commit(events, guest)
    await site.hooks.drain(never)
    return peer.received.map(({ body }) => body)
  }
  return { ...site, peer, happens }
}

const refreshed = event('1', { type: 'REFRESH_COMPLETED', subject: 'subject-of-guest-1', generation: 2, latencyMs: 40 })
const guest = (generation = 2): GuestCredential => credential('guest-1', generation)

describe('the identity provider', () => {
  it('is sent each refresh of a token, with the guest and its generation, without the token unless it opted in', async () => {
    const { happens } = await world('idp')
    const others = [event('2', { type: 'REFRESH_FAILED', outcome: 'failure' }), event('3')]
    expect(await happens([refreshed, ...others], guest())).toEqual([
      {
        event: 'GUEST_TOKEN_REFRESHED',
        guestSessionId: 'guest-1',
        syncedAt: '2026-01-01T00:00:00.000Z',
        generation: 2,
      },
    ])
  })

  it('is sent a token that was minted because the former one was too old to be refreshed, but no first token', async () => {
    const { happens } = await world('idp', { includeToken: true })
    const minted = { type: 'TOKEN_GENERATED_SUCCESS', subject: refreshed.subject } as const
    const events = [event('2', { ...minted, generation: 1 }), event('3', { ...minted, generation: 2 })]
    expect(await happens(events, guest())).toEqual([
      expect.objectContaining({ event: 'GUEST_TOKEN_REFRESHED', newToken: 'access-guest-1-2', generation: 2 }),
    ])
  })

  it('that opted in gets the token that the refresh made, from the store: the queue does not hold it', async () => {
    const { commit, hooks, store, peer } = await world('idp', { includeToken: true })
    await commit([refreshed], guest())
    expect(inspect(await store.events(HOME, { limit: 9 }), { depth: 9 })).not.toContain('access-guest-1')
    await hooks.drain(never)
    expect(peer.received[0]?.body).toMatchObject({ newToken: 'access-guest-1-2', generation: 2 })
  })

  it.each<[string, Partial<GuestCredential>]>([
    ['was superseded', { generation: 3 }],
    ['was revoked', { status: 'revoked' }],
  ])('gets no token that %s before it was sent', async (_, now) => {
    const { happens } = await world('idp', { includeToken: true })
    const [body] = await happens([refreshed], { ...guest(), ...now })
    expect(body).not.toHaveProperty('newToken')
    expect(body).toMatchObject({ guestSessionId: 'guest-1', generation: 2 })
  })

  it.each([
    ['http://10.0.0.1/idp', true, false],
    ['http://127.0.0.1/idp', true, true],
    ['http://127.0.0.1/idp', false, false],
    ['https://idp.example.com/', true, true],
    ['https://idp.example.com/', false, true],
  ])('at %s, configured %s, is sent tokens: %s', (url, isConfigured, sent) => {
    const endpoint = {
      ...configured('idp', url, { contract: 'idp', includeToken: true }),
      events: 'all',
      createdAt: 0,
      configured: isConfigured,
    } as const
    const body = payloadFor(endpoint, refreshed, { credential: guest(), now: 0 })?.body
    expect(Object.keys(body ?? {}).includes('newToken')).toBe(sent)
  })
})

describe('identity management', () => {
  const renewed = event('1', { type: 'ACCESS_TOKEN_RENEWED', latencyMs: 12.3 })
  const failed = event('2', { type: 'ACCESS_TOKEN_FAILED', outcome: 'failure', latencyMs: 3 })

  it('is sent every renewal of an access token, with its outcome', async () => {
    const { happens } = await world('idm', {}, 'client-1')
    expect(await happens([renewed, failed, event('3')])).toEqual([
      { clientId: 'client-1', timestamp: Date.UTC(2026, 0, 1), latencyMs: 12.3, success: true },
      { clientId: 'client-1', timestamp: Date.UTC(2026, 0, 1), latencyMs: 3, success: false },
    ])
  })

  it('waits where the client is not known', async () => {
    const { happens, hooks } = await world('idm')
    expect(await happens([renewed])).toEqual([])
    expect(await hooks.counts('idm')).toEqual({ waiting: 1, deadLetters: 0 })
  })
})

describe('analytics', () => {
  const authenticated = event('1', { type: 'guest.authentication', subject: 'subject-of-guest-1', latencyMs: 250 })

  it('is sent who was authenticated; the address is read from the sealed profile at the delivery', async () => {
    const { happens, store } = await world('analytics')
    const bodies = await happens([authenticated, event('2', { type: 'guest.authentication', outcome: 'failure' })], {
      ...fullCredential('guest-1'),
      request: { channelId: 'web' },
    })
    expect(bodies).toEqual([
      {
        guestId: 'guest-1',
        email: 'ann@example.com',
        channelId: 'web',
        crmTier: null,
        authLatencyMs: 250,
        timestamp: '2026-01-01T00:00:00.000Z',
      },
    ])
    expect(inspect(await store.events(HOME, { limit: 9 }), { depth: 9 })).not.toContain('ann@')
  })

  it('is sent nothing of a guest that was erased meanwhile, and nothing waits', async () => {
    const { happens, hooks, commit, store } = await world('analytics')
    await commit([], fullCredential('guest-1'))
    const { profile: _gone, tokens: _ended, ...rest } = fullCredential('guest-1')
    const erased: GuestCredential = { ...rest, status: 'erased', generation: 2 }
    await store.commit({ connection: HOME, writes: [{ credential: erased, expect: { generation: 1 } }] })
    expect(await happens([authenticated])).toEqual([])
    expect(await hooks.counts('analytics')).toEqual({ waiting: 0, deadLetters: 0 })
  })

  it('has 3 s to answer', async () => {
    const peer = await startReceiver(() => ({ hangs: true }))
    const site = createSite([configured('analytics', peer.url, { contract: 'analytics' })])
    closing.push(site.close, peer.close)
    await site.commit([authenticated], fullCredential('guest-1'))
    const draining = site.hooks.drain(never)
    await expect.poll(() => peer.received.length).toBe(1)
    await site.clock.advance(3 * SECOND)
    await draining
    const [failure] = await site.deliveryEvents()
    expect(failure?.error?.message).toContain('no answer within 3 s')
    expect(inspect(await site.deliveryEvents(), { depth: 9 })).not.toContain('ann@')
  })
})

describe('an added endpoint', () => {
  it('is sent the events that it chose, over the guarded network only', async () => {
    const site = createSite([])
    closing.push(site.close)
    const added = await site.hooks.endpoints.add({ url: 'https://localtest.invalid/hook', events: ['KEYS_ROTATED'] })
    expect(added).toMatchObject({
      events: ['KEYS_ROTATED'],
      includeToken: false,
      contract: 'standard',
      configured: false,
    })
    expect(added.secrets[0]?.reveal()).toMatch(/^whsec_[\w+/]{43}=$/)
    await site.commit([event('1', { type: 'KEYS_ROTATED' }), event('2')])
    await site.hooks.drain(never)
    expect(await site.hooks.counts(added.id)).toEqual({ waiting: 1, deadLetters: 0 })
    expect((await site.deliveryEvents()).map(({ type }) => type)).toEqual(['WEBHOOK_FAILED'])
    await site.hooks.endpoints.remove(added.id)
    expect(await site.hooks.counts(added.id)).toEqual({ waiting: 0, deadLetters: 0 })
    await expect(site.hooks.endpoints.get(added.id)).rejects.toMatchObject({ code: 'webhook_unknown' })
  })

  it('is refused with every fault at once when it is not public or its events are not known', async () => {
    const { hooks, close } = createSite([])
    closing.push(close)
    await expect(hooks.endpoints.add({ url: 'https://10.0.0.1/?key=canary', events: ['NONSENSE'] })).rejects.toSatisfy(
      (error: { code: string; message: string; fields: readonly { field: string }[] }) =>
        error.code === 'invalid_input' &&
        error.fields.map(({ field }) => field).join() === 'url,events' &&
        !error.message.includes('canary'),
    )
    expect(await hooks.endpoints.all()).toEqual([])
  })

  it('is refused with remedies that are sentences', async () => {
    const { hooks, close } = createSite([])
    closing.push(close)
    for (const events of [['NONSENSE'], []]) {
      const { fields } = await refusal(hooks.endpoints.add({ url: 'https://10.0.0.1/', events }))
      expect(fields).toHaveLength(2)
      for (const { remedy } of fields ?? []) expect(remedy).toMatch(/^[A-Z].*\.$/)
    }
  })

  it('keeps its last secret beside a new one until the next', async () => {
    const { hooks, close } = createSite([])
    closing.push(close)
    const { id, secrets } = await hooks.endpoints.add({ url: 'https://hooks.example.com/' })
    const second = await hooks.endpoints.rotate(id)
    expect(second.secrets.map((secret) => secret.reveal())).toEqual([expect.any(String), secrets[0]?.reveal()])
    const third = await hooks.endpoints.rotate(id)
    expect(third.secrets.map((secret) => secret.reveal())).toEqual([expect.any(String), second.secrets[0]?.reveal()])
  })

  it('shows no secret, however it is looked at', async () => {
    const { hooks, close } = createSite([configured('idp', 'http://127.0.0.1:1/')])
    closing.push(close)
    await hooks.endpoints.add({ url: 'https://hooks.example.com/' })
    const all = await hooks.endpoints.all()
    expect(inspect(all, { depth: 9, showHidden: true }) + JSON.stringify(all)).not.toMatch(/whsec_/)
    expect(all[0]?.secrets[0]?.reveal()).toBe(SECRET.reveal())
  })

  it('of the configuration is changed there, not here', async () => {
    const { hooks, close } = createSite([configured('idp', 'http://127.0.0.1:1/')])
    closing.push(close)
    await expect(hooks.endpoints.remove('idp')).rejects.toMatchObject({ code: 'invalid_input' })
    await expect(hooks.endpoints.rotate('idp')).rejects.toMatchObject({ code: 'invalid_input' })
  })

  it('of the configuration that was disabled is sent to again when its address changes', async () => {
    const { hooks, open, close } = createSite([configured('idp', 'http://127.0.0.1:1/')])
    closing.push(close)
    await hooks.endpoints.disable('idp', 'gone')
    expect(await hooks.endpoints.get('idp')).toHaveProperty('disabled')
    const moved = open({ configured: [configured('idp', 'http://127.0.0.1:2/')] })
    expect(await moved.endpoints.get('idp')).not.toHaveProperty('disabled')
  })
})
