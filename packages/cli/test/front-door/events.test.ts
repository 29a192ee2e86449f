import { randomUUID } from 'node:crypto'
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, expectTypeOf, it, vi } from 'vitest'
import { eventTypes } from '@guestpass/core/runtime-kit'
import { createEvents } from '../../src/front-door/events.ts'
import type { AuditRecord, EventTypesByName, EventRecord, Secret, TokenReady } from '../../src/front-door/index.ts'
import { type Receiver, receiver, WEBHOOK_SECRET } from '../e2e/receiver.ts'
import { runInProcess } from '../run-in-process.ts'
import { temporaryFolder } from '../spawn-cli.ts'
import { type PlainUpstream, plainUpstream } from '../upstream/plain-upstream.ts'
import { programs } from './programs.ts'

const SEND = { scopes: ['webmessaging:guest:send'] }
/** Another person each time: one has one session. */
const person = () =>
  ({ api: 'engagements', email: `${randomUUID()}@example.com`, consent: true, channelId: 'web-1' }) as const

let upstream: PlainUpstream
let peer: Receiver
let place: ReturnType<typeof temporaryFolder>

beforeAll(async () => {
  upstream = await plainUpstream()
})
afterAll(() => upstream.close())
beforeEach(async () => {
  place = temporaryFolder()
  peer = await receiver()
})
afterEach(async () => {
  place.remove()
  await peer.close()
})

const program = programs(() => ({ env: upstream.env, cwd: place.cwd }))

const soon = (look: () => void): Promise<void> => vi.waitFor(look, { timeout: 5_000, interval: 10 })

describe('events', () => {
  it('come by name as records, until the listener is taken off', async () => {
    const gp = await program({ store: 'memory' })
    const heard: EventRecord<'TOKEN_GENERATED_SUCCESS'>[] = []
    const off = gp.on('tokenGeneratedSuccess', (record) => void heard.push(record))
    const context = { actor: 'desk', correlationId: 'request-1' }
    const { guestId } = await gp.guests.issue(SEND, context)
    expect(heard).toMatchObject([
      { eventType: 'TOKEN_GENERATED_SUCCESS', outcome: 'success', generation: 1, ...context },
    ])
    expect(JSON.stringify(heard)).not.toContain(guestId)
    off()
    await gp.guests.issue(SEND)
    expect(heard).toHaveLength(1)
  })

  it('are taken by listeners that return anything', async () => {
    const gp = await program({ store: 'memory' })
    const subjects: string[] = []
    gp.on('tokenGeneratedSuccess', (record) => subjects.push(record.subject))
    gp.on('tokenReady', ({ guestId }) => subjects.push(guestId))
    const { guestId } = await gp.guests.issue(SEND, { onReady: (event) => subjects.push(event.guestId) })
    expect(subjects).toHaveLength(3)
    expect(subjects.filter((one) => one === guestId)).toHaveLength(2)
  })

  it('tokenReady comes with the token, also to the listener of one call', async () => {
    const gp = await program({ store: 'memory' })
    const heard: [string, TokenReady, Secret][] = []
    gp.on('tokenReady', (event, token) => void heard.push(['all', event, token]))
    const onReady = (event: TokenReady, token: Secret): void => void heard.push(['one', event, token])
    const { guestId, token } = await gp.guests.issue(SEND, { onReady })
    expect(heard.map(([who]) => who).sort()).toEqual(['all', 'one'])
    for (const [, event, given] of heard) {
      expect(event).toMatchObject({ guestId, kind: 'issued', generation: 1 })
      expect(given.reveal()).toBe(token.reveal())
    }
  })

  it('forget a listener of tokenReady that was taken off, as one for every page that was open', () => {
    let taken = 0
    const guests = { onTokenReady: () => () => void (taken += 1) }
    const { on, close } = createEvents({ connection: 'default', guests, observe: () => () => {}, warn: () => {} })
    on('tokenReady', () => {})()
    on('tokenReady', () => {})
    expect(taken).toBe(1)
    close()
    expect(taken).toBe(2)
  })

  it('have a name for each type, and names for what they mean', () => {
    const named: { readonly [N in keyof EventTypesByName]: EventTypesByName[N] } = Object.fromEntries(
      [] as [string, never][],
    ) as never
    expectTypeOf(named.refreshFailed).toEqualTypeOf<'REFRESH_FAILED'>()
    expectTypeOf(named.guestAuthentication).toEqualTypeOf<'guest.authentication'>()
    expectTypeOf(named.keysRotated).toEqualTypeOf<'KEYS_ROTATED'>()
    expectTypeOf(named.needsReauth).toEqualTypeOf<'GRANT_ENDED'>()
    expectTypeOf<EventTypesByName[keyof EventTypesByName]>().toEqualTypeOf<(typeof eventTypes)[number]>()
  })

  it.each(eventTypes)('can be listened to: %s', async (type) => {
    const gp = await program({ store: 'memory' })
    const name = type.toLowerCase().replaceAll(/[._](.)/g, (_, letter: string) => letter.toUpperCase())
    expect(gp.on(name as keyof EventTypesByName, () => {})).toBeTypeOf('function')
  })

  it('of a name that is none are refused, with the one that was meant', async () => {
    const gp = await program({ store: 'memory' })
    const on = gp.on as (name: unknown, listener: unknown) => unknown
    const thrown = (name: unknown, listener: unknown): unknown => {
      try {
        return on(name, listener)
      } catch (error) {
        return error
      }
    }
    expect(thrown('refreshFaild', () => {})).toMatchObject({
      code: 'invalid_input',
      fields: [{ field: 'name', message: '"refreshFaild" is not an event', remedy: 'Did you mean refreshFailed?' }],
    })
    expect(thrown('constructor', () => {})).toMatchObject({ code: 'invalid_input' })
    expect(thrown(undefined, () => {})).toMatchObject({ code: 'invalid_input', fields: [{ field: 'name' }] })
    expect(thrown('signedOut', 'yes')).toMatchObject({ code: 'invalid_input', fields: [{ field: 'listener' }] })
  })

  it('harm nothing where a listener throws or rejects, and the log says so', async () => {
    const lines: string[] = []
    const gp = await program({ store: 'memory', log: (line) => void lines.push(line) })
    gp.on('tokenReady', () => {
      throw new Error('one broke')
    })
    gp.on('tokenGeneratedSuccess', async () => {
      throw new Error('two broke')
    })
    const others: string[] = []
    gp.on('tokenGeneratedSuccess', ({ eventType }) => void others.push(eventType))
    await gp.guests.issue(SEND)
    await soon(() => expect(lines).toHaveLength(2))
    expect(lines.sort()).toEqual([
      expect.stringMatching(/^warning: A listener of tokenGeneratedSuccess failed: .*two broke/),
      expect.stringMatching(/^warning: A listener of tokenReady failed: .*one broke/),
    ])
    expect(others).toHaveLength(1)
  })

  it('come to every guestpass() of the connection in the process, and to none of another', async () => {
    const [one, other, foreign] = [
      await program(),
      await program(),
      await program({ connection: 'acme', baseUrl: upstream.url, clientId: 'plain-client' }),
    ]
    const heard: string[] = []
    one.on('tokenGeneratedSuccess', () => void heard.push('one'))
    other.on('tokenGeneratedSuccess', () => void heard.push('other'))
    foreign.on('tokenGeneratedSuccess', () => void heard.push('foreign'))
    await one.guests.issue(SEND)
    expect(heard.sort()).toEqual(['one', 'other'])
  })
})

describe('the audit option', () => {
  it('gets every record in order, soon after it', async () => {
    const records: AuditRecord[] = []
    const gp = await program({ audit: (record) => void records.push(record) })
    await gp.guests.issue(SEND)
    await soon(() =>
      expect(records.map(({ eventType }) => eventType)).toEqual([
        'TOKEN_REQUEST_INITIATED',
        'ACCESS_TOKEN_RENEWED',
        'TOKEN_GENERATED_SUCCESS',
      ]),
    )
  })

  it('gets what is left on close', async () => {
    const records: AuditRecord[] = []
    const gp = await program({ store: 'memory', audit: async (record) => void records.push(record) })
    await gp.guests.issue(SEND)
    await gp.close()
    expect(records.map(({ eventType }) => eventType)).toContain('TOKEN_GENERATED_SUCCESS')
  })

  it('gets a record again after it rejected, and the log says so', async () => {
    const lines: string[] = []
    const calls: string[] = []
    let isBroken = true
    const gp = await program({
      log: (line) => void lines.push(line),
      async audit({ eventId }) {
        calls.push(eventId)
        if (isBroken) throw new Error('no place for it')
      },
    })
    await gp.guests.issue(SEND)
    await soon(() => expect(lines).toContainEqual(expect.stringMatching(/audit listener failed: .*no place for it/)))
    isBroken = false
    await soon(() => expect(new Set(calls).size).toBe(3))
    await soon(() => expect(calls.filter((id) => id === calls[0]).length).toBeGreaterThan(1))
  })

  it('gets on the next run what the last one could not give', async () => {
    const first = await program({ audit: () => Promise.reject(new Error('not now')) })
    await first.guests.issue(SEND)
    await first.close()
    const records: AuditRecord[] = []
    await program({ audit: (record) => void records.push(record) })
    await soon(() => expect(records.map(({ eventType }) => eventType)).toContain('TOKEN_GENERATED_SUCCESS'))
  })

  it('does not hold close up where it never ends', async () => {
    const gp = await program({ audit: () => new Promise<void>(() => {}) })
    await gp.guests.issue(SEND)
    await gp.close()
  })

  it('of several guestpass() of a connection gets all records each', async () => {
    const [mine, theirs]: [string[], string[]] = [[], []]
    const one = await program({ audit: ({ eventId }) => void mine.push(eventId) })
    await program({ audit: ({ eventId }) => void theirs.push(eventId) })
    await one.guests.issue(SEND)
    await soon(() => expect(mine).toHaveLength(3))
    await soon(() => expect(theirs).toEqual(mine))
  })
})

describe('webhooks', () => {
  const to = (path: string): string => `${peer.url}${path}`

  it('are delivered without start(), signed, soon after their event', async () => {
    const gp = await program({ webhooks: { analytics: to('/analytics'), idm: to('/idm'), secret: WEBHOOK_SECRET } })
    await gp.guests.issue(person())
    await soon(() => expect(peer.of('/analytics')).toHaveLength(1))
    await soon(() => expect(peer.of('/idm').length).toBeGreaterThan(0))
  })

  it('bring the token where that was said', async () => {
    const gp = await program({ webhooks: { idp: { url: to('/idp'), includeToken: true }, secret: WEBHOOK_SECRET } })
    const { guestId } = await gp.guests.issue(SEND)
    const { token } = await gp.guests.issue({ ...SEND, guestId })
    await soon(() => expect(JSON.stringify(peer.of('/idp'))).toContain(token.reveal()))
  })

  it('left by a run are delivered by the next', async () => {
    peer.answers({ hangs: true })
    const webhooks = { analytics: to('/analytics'), secret: WEBHOOK_SECRET }
    const first = await program({ webhooks })
    await first.guests.issue(person())
    await first.close()
    peer.answers({ status: 204 })
    await program({ webhooks })
    await soon(() => expect(peer.of('/analytics')).toHaveLength(1))
  })

  it('get events of others on the store that have no webhooks', async () => {
    const webhooks = { analytics: to('/analytics'), secret: WEBHOOK_SECRET }
    const deaf = await program()
    const other = await program({ webhooks })
    await deaf.guests.issue(person())
    await soon(() => expect(peer.of('/analytics')).toHaveLength(1))
    await other.close()
    await deaf.guests.issue(person())
    await deaf.close()
    await program({ webhooks })
    await soon(() => expect(peer.of('/analytics')).toHaveLength(2))
  })

  it('are signed with a secret of the store where none is given, which the log says once', async () => {
    const lines: string[] = []
    const log = (line: string): void => void lines.push(line)
    await program({ webhooks: { analytics: to('/analytics') }, log })
    await program({ webhooks: { analytics: to('/analytics') }, log })
    expect(lines.filter((line) => line.includes('secret that signs webhooks'))).toHaveLength(1)
  })
})

describe('the store', () => {
  it('is the one of the command line', async () => {
    const gp = await program()
    const { guestId } = await gp.guests.issue(SEND)
    const { out } = await runInProcess(['guest', 'show', guestId, '--json'], place.cwd, upstream.env)
    expect(JSON.parse(out)).toMatchObject({ guestId, generation: 1 })
  })
})
