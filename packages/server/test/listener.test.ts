import { spawn, spawnSync } from 'node:child_process'
import { readFileSync } from 'node:fs'
import { Agent, get, type IncomingMessage, type ServerResponse } from 'node:http'
import { connect } from 'node:net'
import { join } from 'node:path'
import { afterEach, describe, expect, it, vi } from 'vitest'
import { fencesOf } from '../../../tools/reference/markdown.ts'
import { keys, serviceForTests, type ServiceForTests } from './service-for-tests.ts'

const SCOPES = { scopes: ['webmessaging:guest:send'] }

let on: ServiceForTests | undefined
afterEach(() => on?.close())

async function listening(env: Readonly<Record<string, string>> = {}) {
  on = await serviceForTests({ env, sandbox: { autoConsent: true } })
  return { ...on, url: await on.service.listen() }
}

const authorized = (key: string) => ({ authorization: `Bearer ${key}` })

const post = (url: string, body: object, key: string = keys.issuer) =>
  fetch(url, {
    method: 'POST',
    headers: { 'content-type': 'application/json', ...authorized(key) },
    body: JSON.stringify(body),
  })

/** What some code waits for until other code opens it. */
function gate() {
  let open = (): void => {}
  const passed = new Promise<void>((resolve) => void (open = resolve))
  return { open, passed }
}

/** The events of a stream, as they come. */
async function* eventsOf(
  body: ReadableStream<Uint8Array>,
): AsyncGenerator<{ readonly id: number; readonly type: string }> {
  let text = ''
  for await (const chunk of body.pipeThrough(new TextDecoderStream() as never) as unknown as AsyncIterable<string>) {
    text += chunk
    const frames = text.split('\n\n')
    text = frames.pop() ?? ''
    for (const frame of frames) {
      const [, id, type] = /^id: (\d+)\nevent: (\S+)\ndata: \{/.exec(frame) ?? []
      if (id !== undefined && type !== undefined) yield { id: Number(id), type }
    }
  }
}

describe('the event stream', () => {
  it('gives records as they are committed, and goes on after the last one that a client has', async () => {
    const { url } = await listening()
    const stream = await fetch(`${url}/v1/events`, { headers: authorized(keys.auditor) })
    expect(stream.headers.get('content-type')).toContain('text/event-stream')
    await post(`${url}/v1/guests`, SCOPES)
    const seen: string[] = []
    let last = 0
    for await (const { id, type } of eventsOf(stream.body as ReadableStream<Uint8Array>)) {
      seen.push(type)
      last = id
      if (type === 'TOKEN_GENERATED_SUCCESS') break
    }
    expect(seen).toContain('TOKEN_REQUEST_INITIATED')
    await post(`${url}/v1/guests`, SCOPES)
    const headers = { ...authorized(keys.auditor), 'last-event-id': String(last) }
    const resumed = await fetch(`${url}/v1/events?event=TOKEN_GENERATED_SUCCESS`, { headers })
    for await (const { id, type } of eventsOf(resumed.body as ReadableStream<Uint8Array>)) {
      expect([type, id > last]).toEqual(['TOKEN_GENERATED_SUCCESS', true])
      break
    }
  })
})

it('an event stream whose client left before it began counts no longer, and neither does its request', async () => {
  const { url, service, log } = await listening()
  const { store } = service.connections.first.runtime
  const [plain, asked, gone] = [store.chainHead, gate(), gate()]
  const headers = authorized(keys.auditor)
  service.app.server.once('request', (_request, response: ServerResponse) => {
    response.once('close', gone.open)
    vi.spyOn(store, 'chainHead').mockImplementation(async (connection) => {
      asked.open()
      await gone.passed
      return plain(connection)
    })
  })
  const leaving = get(`${url}/v1/events`, { headers }).on('error', () => {})
  await asked.passed
  leaving.destroy()
  await gone.passed
  const metrics = await (await fetch(`${url}/metrics`)).text()
  expect(metrics).toContain('\nguestpass_event_streams 0\n')
  // The scrape itself.
  expect(metrics).toContain('\nguestpass_http_requests_in_flight 1\n')
  expect(log.find((line) => line.includes('/v1/events'))).toContain('"status":499')
  await service.connections.first.requests.none()
})

describe('a service that stops', () => {
  it('says so first, answers requests that are under way, and ends event streams', async () => {
    const { url, service, upstream } = await listening()
    const stream = await fetch(`${url}/v1/events`, { headers: authorized(keys.operator) })
    upstream.script([{ on: 'mint', do: { delayMs: 400 }, times: 1 }])
    const agent = new Agent({ keepAlive: true })
    const before = await new Promise<IncomingMessage>((resolve) => get(`${url}/livez`, { agent }, resolve))
    before.resume()
    let isAnswered = false
    const slow = post(`${url}/v1/guests`, SCOPES).finally(() => void (isAnswered = true))
    while (upstream.journal().every(({ path }) => !path.endsWith('generate-token')))
      await new Promise((resolve) => setImmediate(resolve))
    expect(isAnswered).toBe(false)
    const stopped = service.stop()
    expect((await slow).status).toBe(201)
    await (stream.body as ReadableStream<Uint8Array>).pipeTo(new WritableStream())
    await stopped
    await expect(fetch(`${url}/livez`)).rejects.toThrow()
    agent.destroy()
  })

  it('is not ready while it drains, and closes connections after their answers', async () => {
    const { url, service } = await listening({ GUESTPASS_DRAIN_SECONDS: '1' })
    const ready = await fetch(`${url}/readyz`)
    expect(ready.status).toBe(200)
    const { connections } = (await ready.json()) as { readonly connections: readonly { readonly workers: object }[] }
    const metrics = await (await fetch(`${url}/metrics`)).text()
    expect(Object.keys(connections[0]?.workers ?? {})).toContain('renewal')
    for (const worker of Object.keys(connections[0]?.workers ?? {}))
      expect(metrics).toContain(`guestpass_worker_failing{connection="default",worker="${worker}"} 0`)
    const stopped = service.stop()
    const drained = await fetch(`${url}/readyz`)
    expect([drained.status, drained.headers.get('connection')]).toEqual([503, 'close'])
    expect(await drained.json()).toMatchObject({ status: 'stopping' })
    expect((await post(`${url}/v1/guests`, SCOPES)).status).toBe(201)
    await stopped
  })
})

it.each([
  ['GARBAGE\r\n\r\n', 400],
  [`GET / HTTP/1.1\r\nHost: localhost\r\nX: ${'x'.repeat(20_000)}\r\n\r\n`, 431],
])('a request that is no HTTP gets a problem document', async (text, status) => {
  const { url } = await listening()
  const socket = connect(Number(new URL(url).port), '127.0.0.1', () => socket.write(text))
  let answer = ''
  for await (const chunk of socket) answer += String(chunk)
  const [head = '', body = ''] = answer.split('\r\n\r\n')
  expect([head.split(' ')[1], JSON.parse(body)]).toEqual([
    String(status),
    expect.objectContaining({ status, code: 'invalid_input' }),
  ])
})

describe('a page of another origin', () => {
  it('may call the service if the configuration names it', async () => {
    const { url } = await listening({ GUESTPASS_CORS_ORIGINS: 'https://shop.example.com' })
    const preflight = (origin: string) =>
      fetch(`${url}/v1/tokens/verify`, {
        method: 'OPTIONS',
        headers: { origin, 'access-control-request-method': 'POST', 'access-control-request-headers': 'authorization' },
      })
    const allowed = await preflight('https://shop.example.com')
    expect(allowed.headers.get('access-control-allow-origin')).toBe('https://shop.example.com')
    expect((await preflight('https://evil.example.com')).headers.get('access-control-allow-origin')).toBeNull()
    const origin = { origin: 'https://shop.example.com', ...authorized(keys.issuer) }
    const answer = await fetch(`${url}/v1/guests`, { headers: origin })
    expect(answer.headers.get('access-control-expose-headers')).toContain('x-request-id')
  })
})

describe('a sign-in', () => {
  it('begins by a link that works once, in the browser that opened it', async () => {
    const { url } = await listening()
    const made = await post(`${url}/v1/connections/default/login`, {}, keys.operator)
    const link = ((await made.json()) as { readonly url: string }).url
    const opened = await fetch(link, { redirect: 'manual' })
    expect(opened.status).toBe(303)
    const cookie = opened.headers.get('set-cookie') ?? ''
    expect(cookie).toMatch(/HttpOnly; SameSite=Lax/)
    expect((await fetch(link, { redirect: 'manual' })).status).toBe(400)
    const authorize = opened.headers.get('location') ?? ''
    const callback = await consented(authorize)
    expect(callback).toContain(`${url}/oauth/callback?`)
    const elsewhere = await fetch(callback)
    expect([elsewhere.status, ((await elsewhere.json()) as { readonly reason: string }).reason]).toEqual([
      400,
      'browser',
    ])
    const done = await fetch(callback, { headers: { cookie: cookie.split(';')[0] ?? '' } })
    expect([done.status, await done.text()]).toEqual([200, expect.stringContaining('is signed in')])
    const shown = await fetch(`${url}/v1/connections`, { headers: authorized(keys.operator) })
    expect(await shown.json()).toMatchObject({ data: [{ grant: 'refresh_token', status: 'active' }] })
  })
})

/** Consents as a user does, and gives the address that the browser is sent back to. */
async function consented(authorize: string): Promise<string> {
  const answer = await fetch(authorize, { redirect: 'manual' })
  const location = answer.headers.get('location')
  if (location) return location
  throw new Error(`No redirect: ${answer.status}`)
}

const page = readFileSync(join(import.meta.dirname, '../../../docs/service.md'), 'utf8')

it.skipIf(spawnSync('curl', ['--version']).status !== 0)(
  'the commands of the page about the service work',
  async () => {
    const { url } = await listening({ GUESTPASS_API_KEYS: `issuer:${keys.issuer},operator:${keys.issuer}` })
    const script = fencesOf(page)
      .filter(({ language, code }) => language === 'sh' && code.includes('curl'))
      .map(({ code }) => code)
      .join('\n')
    expect(script).toContain('/v1/people/erase')
    const shell = spawn('bash', ['-e', '-o', 'pipefail', '-c', script], {
      env: { ...process.env, URL: url, KEY: keys.issuer },
    })
    let out = ''
    for (const stream of [shell.stdout, shell.stderr]) stream.on('data', (chunk: Buffer) => (out += chunk.toString()))
    const code = await new Promise((resolve) => shell.on('close', resolve))
    expect(code, out).toBe(0)
    expect(out).toContain('"valid":true')
  },
)
