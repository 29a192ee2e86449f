import { inspect } from 'node:util'
import * as fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { Secret } from '../../src/domain/secret.ts'
import { DAY, MINUTE, SECOND } from '../../src/domain/time.ts'
import { fakeClock, settle } from '../../src/testing/index.ts'
import type { ReceivedHeaders } from '../../src/webhooks/received-headers.ts'
import type { WebhookMessage } from '../../src/webhooks/received-message.ts'
import { type ReceiverOptions, webhookReceiver } from '../../src/webhooks/receiver.ts'
import { receiverMemory } from '../../src/webhooks/receiver-memory.ts'
import { signedHeaders } from '../../src/webhooks/signature.ts'
import { SECRET } from './world.ts'

const OTHER = new Secret(`whsec_${'A'.repeat(43)}=`)
const body = (generation = 1, subject = 'subject-1'): string =>
  JSON.stringify({ type: 'REFRESH_COMPLETED', timestamp: 'now', data: { subject, generation } })

const secretOf = (bytes: number): string => `whsec_${btoa('\0'.repeat(bytes))}`

function world(options: Partial<ReceiverOptions> = {}) {
  const clock = fakeClock()
  const { verify, receive, handler } = webhookReceiver({
    secrets: [SECRET],
    clock,
    memory: receiverMemory({ clock }),
    ...options,
  })
  const headers = (id: string, text: string, at = clock.wall(), secrets = [SECRET]) =>
    signedHeaders(secrets, id, at, text)
  return { clock, verify, receive, handler, headers }
}

describe('a received message', () => {
  it('that is signed is read with its type, its guest and its generation', async () => {
    const { verify, headers, clock } = world()
    expect(await verify(headers('id-1', body(7)), body(7))).toEqual({
      id: 'id-1',
      at: clock.wall(),
      type: 'REFRESH_COMPLETED',
      about: 'subject-1',
      generation: 7,
      body: JSON.parse(body(7)),
    })
  })

  it('of the contract idp is read in the same way', async () => {
    const { verify, headers } = world()
    const text = JSON.stringify({ event: 'GUEST_TOKEN_REFRESHED', guestSessionId: 'guest-1', generation: 2 })
    expect(await verify(headers('id', text), text)).toMatchObject({
      type: 'GUEST_TOKEN_REFRESHED',
      about: 'guest-1',
      generation: 2,
    })
  })

  it('is taken when one of several signatures is by one of several secrets', async () => {
    const { verify, headers, clock } = world({ secrets: [OTHER.reveal(), SECRET] })
    const text = body()
    await verify(headers('id', text), text)
    await verify(headers('id', text, clock.wall(), [new Secret(`whsec_${'B'.repeat(43)}=`), OTHER]), text)
  })

  it('comes as bytes or text, with headers in any form', async () => {
    const { verify, headers } = world()
    const text = JSON.stringify({ type: 'é', data: {} })
    const given = headers('id', text)
    expect((await verify(new Headers(given), new TextEncoder().encode(text))).type).toBe('é')
    const upper = Object.fromEntries(Object.entries(given).map(([name, value]) => [name.toUpperCase(), value]))
    expect((await verify(upper, text)).type).toBe('é')
  })

  const lists = (given: Readonly<Record<string, string>>, more: readonly string[] = []) =>
    Object.fromEntries(Object.entries(given).map(([name, value]) => [name, [value, ...more]]))
  const capitals = (name: string): string => name.replace(/(^|-)[a-z]/g, (letter) => letter.toUpperCase())

  it.each<[string, (given: Readonly<Record<string, string>>) => ReceivedHeaders]>([
    ['lists of one, as headersDistinct of Node', (given) => lists(given)],
    [
      'lists of one in capitals, as multiValueHeaders of AWS',
      (given) => Object.fromEntries(Object.entries(lists(given)).map(([name, list]) => [capitals(name), list])),
    ],
    ['headers without a prototype', (given) => Object.assign(Object.create(null), given)],
    ['a Headers of another library', (given) => ({ get: (name) => given[name.toLowerCase()] ?? null })],
    ['headers beside others that are empty', (given) => ({ ...given, cookie: undefined, 'x-a': null, 'x-b': [] })],
  ])('is taken with %s', async (_, form) => {
    const { verify, headers } = world()
    expect((await verify(form(headers('id', body())), body())).id).toBe('id')
  })

  it.each<[string, (given: Readonly<Record<string, string>>) => unknown, string]>([
    ['lists of several', (given) => lists(given, ['other']), 'webhook-id is there more than once'],
    ['lists of none', (given) => ({ ...given, 'webhook-id': [] }), 'webhook-id is missing'],
    [
      'a name in two cases',
      (given) => ({ ...given, 'Webhook-Timestamp': '1' }),
      'webhook-timestamp is there more than once',
    ],
    [
      'a header that Fetch joined',
      (given) => {
        const joined = new Headers(given)
        joined.append('webhook-signature', 'v1,AAAA')
        return joined
      },
      'webhook-signature is there more than once',
    ],
    ['no headers', () => undefined, 'webhook-id is missing'],
    ['headers that are a text', () => 'webhook-id: 1', 'webhook-id is missing'],
  ])('with %s is refused, and the header is named', async (_, form, why) => {
    const { verify, headers } = world()
    const given = form(headers('id', body())) as ReceivedHeaders
    await expect(verify(given, body())).rejects.toMatchObject({
      code: 'webhook_invalid',
      message: expect.stringContaining(why),
    })
  })

  it.each<[string, unknown]>([
    ['an object', { type: 'x' }],
    ['a list', []],
    ['nothing', undefined],
    ['null', null],
    ['a number', 5],
    ['a buffer that went through JSON', { type: 'Buffer', data: [1] }],
    ['a stream', new Response('x').body],
    ['a promise', Promise.resolve('x')],
  ])('whose body is %s is refused, and the error says how to get the bytes', async (_, given) => {
    const { verify, headers } = world()
    const why = await verify(headers('id', body()), given as string).catch((thrown: Error) => thrown.message)
    expect(why).toContain('the raw bytes are needed')
    for (const way of ['express.raw', 'parseAs', 'arrayBuffer']) expect(why).toContain(way)
  })

  it('may come as an ArrayBuffer', async () => {
    const { verify, headers } = world()
    const { buffer } = new TextEncoder().encode(body())
    expect((await verify(headers('id', body()), buffer)).id).toBe('id')
  })

  it.each<[string, string]>([
    ['a member twice', '{"type":"a","type":"b"}'],
    ['a prototype', '{"__proto__":{"generation":1}}'],
    ['100 000 levels', `{"data":${'['.repeat(100_000)}${']'.repeat(100_000)}}`],
  ])('that is signed and holds %s is refused', async (_, sent) => {
    const { verify, headers } = world()
    await expect(verify(headers('id', sent), sent)).rejects.toMatchObject({ code: 'webhook_invalid' })
  })

  it.each(['1e400', '-1', '1.5', '1e20', '"1"'])('has no generation when it says %s', async (generation) => {
    const { verify, headers } = world()
    const sent = `{"type":"x","data":{"subject":"subject-1","generation":${generation}}}`
    expect(await verify(headers('id', sent), sent)).not.toHaveProperty('generation')
  })

  const text = body()
  it.each<[string, (given: Record<string, string>) => [Record<string, string | undefined>, string | Uint8Array]]>([
    ['another body', (given) => [given, `${text} `]],
    ['another id', (given) => [{ ...given, 'webhook-id': 'id-2' }, text]],
    [
      'another time',
      (given) => [{ ...given, 'webhook-timestamp': String(Number(given['webhook-timestamp']) + 1) }, text],
    ],
    ['no id', ({ 'webhook-id': _id, ...given }) => [given, text]],
    ['no signature', ({ 'webhook-signature': _given, ...given }) => [given, text]],
    ['an empty signature', (given) => [{ ...given, 'webhook-signature': '' }, text]],
    ['a signature of blanks', (given) => [{ ...given, 'webhook-signature': ' ' }, text]],
    [
      'a signature without version',
      (given) => [{ ...given, 'webhook-signature': given['webhook-signature']?.slice(3) }, text],
    ],
    [
      'a signature cut short',
      (given) => [{ ...given, 'webhook-signature': given['webhook-signature']?.slice(0, -2) }, text],
    ],
    [
      'a signature of another version',
      (given) => [{ ...given, 'webhook-signature': given['webhook-signature']?.replace('v1', 'v2') }, text],
    ],
    ['a time that is none', (given) => [{ ...given, 'webhook-timestamp': '1e9' }, text]],
    ['a time with a sign', (given) => [{ ...given, 'webhook-timestamp': `+${given['webhook-timestamp']}` }, text]],
    ['bytes that are no text', (given) => [given, new Uint8Array([0xff, 0xfe])]],
  ])('with %s is refused, and the error shows nothing of it', async (_, make) => {
    const { verify, headers } = world()
    const [given, sent] = make({ ...headers('id-1', text) })
    const error: unknown = await verify(given, sent).catch((thrown: unknown) => thrown)
    expect(error).toMatchObject({ name: 'GuestpassError', code: 'webhook_invalid' })
    expect(inspect(error, { depth: 9 })).not.toMatch(/whsec_|subject-1|v1,/)
  })

  it.each(['[]', 'null', '"text"', 'nonsense', ''])('that is signed and holds %j is refused', async (sent) => {
    const { verify, headers } = world()
    await expect(verify(headers('id', sent), sent)).rejects.toMatchObject({ code: 'webhook_invalid' })
  })

  it('that is older or younger than five minutes is refused', async () => {
    const { verify, headers, clock } = world()
    const ok = async (offset: number): Promise<boolean> =>
      verify(headers('id', text, clock.wall() + offset), text).then(
        () => true,
        () => false,
      )
    expect(await Promise.all([-5 * MINUTE, 5 * MINUTE, -5 * MINUTE - SECOND, 5 * MINUTE + SECOND].map(ok))).toEqual([
      true,
      true,
      false,
      false,
    ])
  })

  it.each([0, -1, Number.NaN, Number.POSITIVE_INFINITY])('cannot be given a tolerance of %d', (toleranceMs) => {
    expect(() => webhookReceiver({ secrets: [SECRET], toleranceMs })).toThrow('toleranceMs')
  })

  it('may be checked with secrets of 24 to 64 bytes', () => {
    for (const size of [24, 25, 26, 32, 64]) expect(webhookReceiver({ secrets: [secretOf(size)] })).toBeDefined()
  })

  it.each<[string, string]>([
    ['', 'is empty'],
    ['secret', 'does not begin with whsec_'],
    ['whsec_', 'cut short'],
    [secretOf(23), 'cut short'],
    [secretOf(32).slice(0, -1), 'cut short'],
    [secretOf(32).slice(0, -2), 'cut short'],
    [secretOf(32).slice(0, 30), 'cut short'],
    [`whsec_${'A'.repeat(42)}B=`, 'canonical'],
    [`${secretOf(32)}=`, 'canonical'],
    [secretOf(65), 'too long'],
    [`${secretOf(32)}\n`, 'blanks'],
    [secretOf(32).replace('A', '-'), 'characters'],
    [new Secret(secretOf(32)).mask(), 'masked'],
  ])('cannot be checked with the secret %j', (secret, why) => {
    expect(() => webhookReceiver({ secrets: [SECRET, secret] })).toThrow(
      expect.objectContaining({
        code: 'config_invalid',
        message: expect.stringContaining(why),
        fields: [expect.objectContaining({ field: 'secrets[1]' })],
      }),
    )
  })

  it.each([[], undefined, 'whsec_', [undefined], [5]])('cannot be checked with %j for secrets', (secrets) => {
    expect(() => webhookReceiver({ secrets: secrets as unknown as string[] })).toThrow(
      expect.objectContaining({ code: 'config_invalid' }),
    )
  })
})

describe('a receiver', () => {
  const acting = () => {
    const acted: WebhookMessage[] = []
    // A handler may return anything: here the length of the list.
    return { acted, act: (message: WebhookMessage) => acted.push(message) }
  }

  it('acts once on a message that comes twice, also at the same time', async () => {
    const { receive, headers } = world()
    const { acted, act } = acting()
    const send = () => receive(headers('id-1', body()), body(), act)
    expect((await Promise.all([send(), send(), send()])).sort()).toEqual(['handled', 'underway', 'underway'])
    expect(await send()).toBe('repeated')
    expect(acted).toHaveLength(1)
  })

  it('acts again on a message with which it failed', async () => {
    const { receive, headers } = world()
    const { acted, act } = acting()
    const broken = receive(headers('id-1', body()), body(), () => Promise.reject(new Error('the disk is full')))
    await expect(broken).rejects.toThrow('the disk is full')
    expect(await receive(headers('id-1', body()), body(), act)).toBe('handled')
    expect(acted).toHaveLength(1)
  })

  it('acts on a message again when the process that had it was killed', async () => {
    const clock = fakeClock()
    const shared = receiverMemory({ clock })
    const [killed, other] = [1, 2].map(() => world({ clock, memory: shared }))
    const given = signedHeaders([SECRET], 'id-1', clock.wall(), body())
    const { acted, act } = acting()
    void killed?.receive(given, body(), () => new Promise(() => {}))
    await settle()
    expect(await other?.receive(given, body(), act)).toBe('underway')
    await clock.advance(MINUTE)
    expect(await other?.receive(given, body(), act)).toBe('handled')
    expect(acted).toHaveLength(1)
  })

  it('acts on a message again in time although the clock was set back', async () => {
    const clock = fakeClock()
    const memory = receiverMemory({ clock })
    expect(await memory.claim('id-1', MINUTE)).toBe('taken')
    clock.stepWall(-DAY)
    await clock.advance(MINUTE - 1)
    expect(await memory.claim('id-1', MINUTE)).toBe('underway')
    await clock.advance(1)
    expect(await memory.claim('id-1', MINUTE)).toBe('taken')
  })

  it('as a route lets a message come again while another delivery of it is being acted on', async () => {
    const { handler, headers } = world()
    const given = headers('id', body())
    const post = () => new Request('http://receiver.example/', { method: 'POST', headers: given, body: body() })
    void handler(() => new Promise(() => {}))(post())
    await settle()
    expect((await handler(() => {})(post())).status).toBe(503)
  })

  it('remembers for longer than a sender goes on', async () => {
    const { receive, headers, clock } = world()
    const { act } = acting()
    await receive(headers('id-1', body()), body(), act)
    await clock.advance(4 * DAY)
    expect(await receive(headers('id-1', body()), body(), act)).toBe('repeated')
  })

  it('never acts on a generation after a later one of the same guest, in whatever order they come', async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(fc.tuple(fc.nat({ max: 5 }), fc.nat({ max: 2 })), { maxLength: 30 }), async (sent) => {
        const { receive, headers } = world()
        const { acted, act } = acting()
        for (const [nth, [generation, who]] of sent.entries()) {
          const text = body(generation, `guest-${who}`)
          await receive(headers(`id-${nth}`, text), text, act)
        }
        for (const who of [0, 1, 2]) {
          const seen = acted.filter(({ about }) => about === `guest-${who}`).map(({ generation = 0 }) => generation)
          expect(seen).toEqual([...seen].sort((a, b) => a - b))
          const came = sent.filter(([, one]) => one === who).map(([generation]) => generation)
          expect(seen.at(-1)).toBe(came.length === 0 ? undefined : Math.max(...came))
        }
      }),
      { numRuns: 50 },
    )
  })

  it('keeps no more than its bound', async () => {
    const clock = fakeClock()
    const memory = receiverMemory({ most: 3, clock })
    for (const id of ['1', '2', '3', '4']) await memory.settle(id, DAY)
    expect([await memory.claim('4', DAY), await memory.claim('1', DAY)]).toEqual(['done', 'taken'])
  })

  it('as a route answers 204 for what it took, 400 for what is not valid, 500 when acting failed', async () => {
    const { handler, headers } = world()
    const { acted, act } = acting()
    const post = (given: Readonly<Record<string, string>>, text: string) =>
      new Request('http://receiver.example/', { method: 'POST', headers: given, body: text })
    const route = handler(act)
    expect((await route(post(headers('id', body()), body()))).status).toBe(204)
    expect((await route(post(headers('id', body()), body()))).status).toBe(204)
    const refused = await route(post({}, body()))
    expect([refused.status, await refused.json()]).toEqual([400, expect.objectContaining({ code: 'webhook_invalid' })])
    expect((await route(post({}, 'x'.repeat(70_000)))).status).toBe(413)
    expect((await route(new Request('http://receiver.example/', { method: 'POST' }))).status).toBe(400)
    const failing = handler(() => Promise.reject(new Error('canary')))
    const failed = await failing(post(headers('other', body()), body()))
    expect([failed.status, await failed.text()]).toEqual([500, ''])
    expect(acted).toHaveLength(1)
  })
})
