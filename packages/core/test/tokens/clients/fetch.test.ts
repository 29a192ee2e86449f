import { Readable } from 'node:stream'
import { connect } from 'node:net'
import { createServer } from 'node:http'
import * as undici from 'undici'
import * as undici7 from 'undici7'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { authorizedFetch } from '../../../src/tokens/clients/authorized-fetch.ts'
import type { Fetch } from '../../../src/ports/system.ts'
import { listening, refusals, type Resource, resource } from './resource.ts'

let here: Resource
beforeEach(async () => {
  here = await resource()
})
afterEach(() => here.close())

type Library = typeof undici
const libraries = [
  ['undici 8', undici],
  ['undici 7', undici7 as unknown as Library],
] as const
const fetches: readonly (readonly [string, Fetch, { FormData: typeof FormData; Request: typeof Request }])[] = [
  ['the platform’s fetch', globalThis.fetch, globalThis],
  ...libraries.map(
    ([name, library]) => [`the fetch of ${name}`, library.fetch as unknown as Fetch, library as never] as const,
  ),
]

const encode = (text: string): Uint8Array<ArrayBuffer> => new TextEncoder().encode(text)
const parts = (): ReadableStream<Uint8Array<ArrayBuffer>> =>
  new ReadableStream({
    start(controller) {
      for (const part of ['a ', 'stream']) controller.enqueue(encode(part))
      controller.close()
    },
  })
const form = (Form: typeof FormData): FormData => {
  const one = new Form()
  one.set('field', 'in a form')
  return one
}

describe.each(fetches)('%s with a token source', (_name, fetch, { FormData: Form, Request: Own }) => {
  const mine = (): Fetch => authorizedFetch(here.source, { origins: [here.url], fetch })

  it('takes addresses as texts and URLs, and Requests of its own and of the platform', async () => {
    const address = `${here.url}/things?page=2`
    const headers = { 'x-kind': 'one' }
    for (const input of [address, new URL(address), new Own(address, { headers }), new Request(address, { headers })])
      expect(await (await mine()(input)).json()).toBe('hello')
    expect(here.seen.map(({ path, bearer }) => `${path} ${bearer}`)).toEqual(
      Array.from({ length: 4 }, () => '/things?page=2 token-1'),
    )
  })

  it.each<[string, () => RequestInit['body'], string]>([
    ['a text', () => 'a text', 'a text'],
    ['bytes', () => encode('bytes'), 'bytes'],
    ['a buffer', () => encode('a buffer').buffer, 'a buffer'],
    ['a Blob', () => new Blob(['a blob']), 'a blob'],
    ['a query', () => new URLSearchParams({ a: 'b' }), 'a=b'],
    ['a stream', parts, 'a stream'],
    ['a stream of Node', () => Readable.from(['a ', 'stream']) as never, 'a stream'],
    ['a form of its own', () => form(Form), 'in a form'],
    ['a form of the platform', () => form(FormData), 'in a form'],
  ])('sends %s again when the token is refused, and gives the answer to that', async (_kind, body, expected) => {
    await mine()(here.url)
    here.revoke()
    here.seen.splice(0)
    const init = { method: 'POST', body: body(), duplex: 'half' } as RequestInit
    const answer = await mine()(`${here.url}/things`, init)
    expect([answer.status, await answer.json()]).toEqual([200, 'hello'])
    expect(here.seen.map(({ bearer, method }) => `${method} ${bearer}`)).toEqual(['POST token-1', 'POST token-2'])
    const [first, second] = here.seen
    for (const one of [first, second]) expect(one?.body).toContain(expected)
    if (expected === 'in a form') expect(second?.type).toMatch(/^multipart\/form-data; boundary=/)
  })

  it('sends a Request with its body, method and headers, which its init overrides', async () => {
    await mine()(here.url)
    here.revoke()
    here.seen.splice(0)
    const headers = { 'content-type': 'application/x-one' }
    const request = new Own(`${here.url}/things`, { method: 'PUT', body: 'of the request', headers })
    await mine()(request, { method: 'PATCH' })
    expect(here.seen).toEqual(
      ['token-1', 'token-2'].map((bearer) => ({
        method: 'PATCH',
        path: '/things',
        bearer,
        type: 'application/x-one',
        body: 'of the request',
      })),
    )
  })

  it.each(refusals)('sees a refusal by %s', async (_kind, refusal) => {
    here.refusal = refusal
    await mine()(here.url)
    here.revoke()
    expect((await mine()(here.url)).status).toBe(200)
  })

  it('spends few renewals on a resource that refuses every token, and gives its answer', async () => {
    here.refusing.add('/refused')
    for (let call = 0; call < 20; call += 1) {
      const answer = await mine()(`${here.url}/refused`)
      expect([answer.status, await answer.json()]).toEqual([401, expect.objectContaining({ code: 'bad.credentials' })])
    }
    expect(here.granted()).toBeLessThanOrEqual(3)
  })

  it('renews again where the new token was taken', async () => {
    for (let round = 1; round <= 5; round += 1) {
      expect((await mine()(here.url)).status).toBe(200)
      expect(here.granted()).toBe(round)
      here.revoke()
    }
  })

  it('shares one renewal among calls at the same time', async () => {
    await mine()(here.url)
    here.revoke()
    const answers = await Promise.all(Array.from({ length: 20 }, () => mine()(here.url)))
    expect(new Set(answers.map(({ status }) => status))).toEqual(new Set([200]))
    expect(here.granted()).toBe(2)
  })

  it('takes no 401 of another origin, to which it was redirected, for a refusal, and shows it no token', async () => {
    const met: (string | undefined)[] = []
    const stranger = await listening((request, response) => {
      met.push(request.headers.authorization)
      response.writeHead(401).end()
    })
    here.answer = (_request, response) => void response.writeHead(302, { location: stranger.url }).end()
    expect((await mine()(here.url)).status).toBe(401)
    await stranger.close()
    expect([met, here.granted()]).toEqual([[undefined], 1])
  })

  it('ends with the signal of its caller, in init and in a Request', async () => {
    const signal = AbortSignal.abort(new Error('gone'))
    await expect(mine()(here.url, { signal })).rejects.toThrow('gone')
    await expect(mine()(new Own(here.url, { signal }))).rejects.toThrow('gone')
    expect(here.seen).toEqual([])
    const ending = new AbortController()
    here.answer = () => ending.abort(new Error('gone later'))
    await expect(mine()(here.url, { signal: ending.signal, keepalive: true })).rejects.toThrow('gone later')
  })

  it('sends nothing to an origin that was not named', async () => {
    await expect(mine()('http://127.0.0.1:1/')).rejects.toMatchObject({ code: 'invalid_input' })
    await expect(mine()('no address')).rejects.toThrow(TypeError)
    expect(here.granted()).toBe(0)
  })
})

describe.each(libraries)('a dispatcher of %s', (_name, library) => {
  const mine = () => authorizedFetch(here.source, { origins: [here.url], fetch: library.fetch })

  it('that pools connections is used for both sends', async () => {
    const dispatcher = new library.Agent({ connections: 1 })
    await (await mine()(here.url, { dispatcher })).text()
    here.revoke()
    expect((await mine()(here.url, { dispatcher })).status).toBe(200)
    await dispatcher.close()
  })

  it('that mocks a server answers in its place', async () => {
    const dispatcher = new library.MockAgent()
    dispatcher.disableNetConnect()
    const pool = dispatcher.get(here.url)
    pool.intercept({ path: '/things', headers: { authorization: 'Bearer token-1' } }).reply(401, '')
    pool.intercept({ path: '/things', headers: { authorization: 'Bearer token-2' } }).reply(200, 'mocked')
    const answer = await mine()(`${here.url}/things`, { dispatcher })
    expect(await answer.text()).toBe('mocked')
    expect(here.seen).toEqual([])
    await dispatcher.close()
  })

  it('that goes through a proxy does so', async () => {
    let tunnels = 0
    const proxy = createServer()
    proxy.on('connect', ({ url = '' }, socket) => {
      tunnels += 1
      const [hostname = '', port] = url.split(':')
      const upstream = connect(Number(port), hostname, () => {
        socket.write('HTTP/1.1 200 OK\r\n\r\n')
        upstream.pipe(socket).pipe(upstream)
      })
      for (const one of [socket, upstream]) one.on('error', () => {})
    })
    await new Promise<void>((resolve) => proxy.listen(0, '127.0.0.1', resolve))
    const { port } = proxy.address() as { port: number }
    const dispatcher = new library.ProxyAgent({ uri: `http://127.0.0.1:${port}`, proxyTunnel: true })
    expect(await (await mine()(here.url, { dispatcher })).json()).toBe('hello')
    expect(tunnels).toBe(1)
    await dispatcher.close()
    proxy.close()
  })
})
