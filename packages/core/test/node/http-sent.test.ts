import { createServer as createSecureServer } from 'node:https'
import { createServer as createHttpServer, type IncomingMessage } from 'node:http'
import { connect, createServer, type LookupFunction, type Server, type Socket } from 'node:net'
import { getCACertificates, setDefaultCACertificates } from 'node:tls'
import { Agent } from 'undici'
import { afterEach, beforeAll, describe, expect, it, vi } from 'vitest'
import { connector } from '../../src/node/connector.ts'
import { nodeHttp, type NodeHttpOptions, undiciHttp } from '../../src/node/http.ts'
import { systemClock } from '../../src/ports/system.ts'
import { webHttp } from '../../src/web/http.ts'
import { asking } from './http-cases.ts'
import { closeOpened, fault, listening, opened, raw, serving } from './http-servers.ts'
import { cert, key } from './tls-certificate.ts'

beforeAll(() => setDefaultCACertificates([...getCACertificates('default'), cert]))
afterEach(closeOpened)

const client = (options: NodeHttpOptions = {}) => {
  const { http, close } = nodeHttp({ proxy: false, ...options })
  opened.push(close)
  return asking(http)
}

const secure = (seen: IncomingMessage[] = []): Promise<string> =>
  listening(
    createSecureServer({ cert, key }, (request, response) => {
      seen.push(request)
      response.end('ok')
    }),
  ).then((url) => url.replace('http:', 'https:'))

/** A server that does this with each connection, and reads nothing. */
const accepting = (on: (socket: Socket) => void): Promise<string> => listening(createServer(on))

/** A proxy: opens tunnels to `to`, or does something else with CONNECT. */
async function proxying(on: (socket: Socket, request: IncomingMessage) => void) {
  const asked: IncomingMessage[] = []
  const server: Server = createHttpServer((request, response) => {
    asked.push(request)
    response.writeHead(502).end()
  }).on('connect', (request: IncomingMessage, socket: Socket) => {
    asked.push(request)
    on(socket, request)
  })
  return { asked, url: await listening(server) }
}

const tunnels = (port: string) => (socket: Socket) => {
  const on = connect(Number(port), '127.0.0.1', () => socket.write('HTTP/1.1 200 OK\r\n\r\n'))
  socket.pipe(on).pipe(socket)
  on.on('error', () => socket.destroy())
  socket.on('error', () => on.destroy())
}

describe('a request that was not sent', () => {
  const rows: readonly [string, (socket: Socket) => void][] = [
    ['is cut', (socket) => socket.destroy()],
    ['is reset', (socket) => void socket.resetAndDestroy()],
    ['is closed', (socket) => void socket.end()],
    ['answers no TLS', (socket) => void socket.end('HTTP/1.1 400 Bad Request\r\n\r\n')],
    ['ends in the middle', (socket) => void socket.once('data', () => socket.end(Buffer.from([22, 3, 3])))],
  ]
  it.each(rows)('because its TLS handshake %s is unsent', async (_, on) => {
    const onSend = vi.fn()
    const { kind } = await fault(client()((await accepting(on)).replace('http:', 'https:'), { onSend }))
    expect([kind, onSend.mock.calls.length]).toEqual(['unsent', 0])
  })

  it('because its TLS handshake is never answered is unsent after the connect time-out', async () => {
    const onSend = vi.fn()
    const url = (await accepting(() => {})).replace('http:', 'https:')
    const { kind, message } = await fault(client({ connectTimeoutMs: 100 })(url, { onSend }))
    expect([kind, message, onSend.mock.calls.length]).toEqual(['unsent', 'not connected within 0.1 s', 0])
  })

  it('because its certificate is not trusted is unsent', async () => {
    setDefaultCACertificates([])
    const { kind, message } = await fault(client()(await secure()))
    setDefaultCACertificates([...getCACertificates('bundled'), cert])
    expect([kind, message]).toEqual(['unsent', expect.stringMatching(/CERT|certificate/i)])
  })

  it('because a slow look-up took too long is unsent, and so is one that connects too late', async () => {
    const url = new URL(await serving((_request, response) => response.end('ok')))
    url.hostname = 'slow.example.com'
    // The clock says that more time has passed than its timer knows, as after a suspension.
    let wall = 0
    const clock = { ...systemClock(), wall: () => (wall += 10_000), sleep: () => new Promise<void>(() => {}) }
    const lookup: LookupFunction = (_hostname, _options, callback) =>
      setTimeout(() => callback(null, [{ address: '127.0.0.1', family: 4 }]), 10)
    const { http, close } = undiciHttp(() => new Agent({ connect: connector({ timeoutMs: 5_000, clock, lookup }) }))
    opened.push(close)
    expect(await fault(asking(http)(url.href))).toMatchObject({ kind: 'unsent', message: 'not connected within 5 s' })
  })

  const refusals: readonly [string, string][] = [407, 403, 502, 503].map((status) => [
    `answered CONNECT with ${status}`,
    `HTTP/1.1 ${status} No\r\ncontent-length: 0\r\n\r\n`,
  ])
  it.each([...refusals, ['hung up', '']])('because its proxy %s is unsent and names the proxy', async (how, answer) => {
    const onSend = vi.fn()
    const { url } = await proxying((socket) => void socket.end(answer))
    const proxy = { HTTPS_PROXY: url.replace('//', '//user:canary@') }
    const { kind, message } = await fault(client({ proxy })('https://login.example.com/', { onSend }))
    expect([kind, onSend.mock.calls.length]).toEqual(['unsent', 0])
    expect(message).toContain(answer === '' ? `the proxy ${url}: ` : `the proxy ${url} ${how}`)
    expect(message).not.toContain('canary')
  })

  it('because its proxy does not listen is unsent and names the proxy', async () => {
    const { url } = await proxying(() => {})
    await closeOpened()
    const { kind, message } = await fault(client({ proxy: { HTTPS_PROXY: url } })('https://login.example.com/'))
    expect([kind, message]).toEqual(['unsent', expect.stringMatching(new RegExp(`the proxy ${url}: .*ECONNREFUSED`))])
  })

  it('because the proxy never opens the tunnel is unsent after the connect time-out', async () => {
    const { url } = await proxying(() => {})
    const { kind, message } = await fault(
      client({ proxy: { HTTPS_PROXY: url }, connectTimeoutMs: 100 })('https://login.example.com/'),
    )
    expect([kind, message]).toEqual(['unsent', `through the proxy ${url}: not connected within 0.1 s`])
  })

  const behind: readonly [string, (socket: Socket) => void, RegExp][] = [
    ['cuts', (socket) => socket.destroy(), /: .+/],
    ['never answers', () => {}, /: not connected within 0.5 s$/],
    ['answers something else in', (socket) => void socket.end('HTTP/1.1 302 No\r\n\r\n'), /: [\w ]+: [\w ]+$/],
  ]
  it.each(behind)('because its proxy %s the TLS handshake is unsent and names the proxy', async (_, on, said) => {
    const { url } = await proxying((socket) => {
      socket.write('HTTP/1.1 200 OK\r\n\r\n')
      socket.once('data', () => on(socket))
    })
    const asked = client({ proxy: { HTTPS_PROXY: url }, connectTimeoutMs: 500 })('https://login.example.com/')
    const { kind, message } = await fault(asked)
    expect([kind, message]).toEqual(['unsent', expect.stringContaining(`through the proxy ${url}: `)])
    expect(message).toMatch(said)
  })

  it('because its caller gave up before rejects with the reason at once', async () => {
    const onSend = vi.fn()
    const url = (await accepting(() => {})).replace('http:', 'https:')
    const reason = new Error('enough')
    const stop = new AbortController()
    const asked = client({ connectTimeoutMs: 100 })(url, { onSend }, stop.signal)
    stop.abort(reason)
    await expect(asked).rejects.toBe(reason)
    expect(onSend).not.toHaveBeenCalled()
  })
})

describe.each([
  ['in Node', () => client()],
  ['by fetch', () => asking(webHttp())],
])('onSend %s', (_, adapter) => {
  it('is called once for each request, before anything arrives', async () => {
    const order: string[] = []
    const url = await serving((_request, response) => {
      order.push('arrived')
      response.end('ok')
    })
    const ask = adapter()
    for (let count = 0; count < 3; count += 1) await ask(url, { onSend: () => void order.push('sent') })
    expect(order).toEqual(['sent', 'arrived', 'sent', 'arrived', 'sent', 'arrived'])
  })

  it('that throws keeps the request from being sent, and is what it rejects with', async () => {
    let requests = 0
    const url = await serving((_request, response) => {
      requests += 1
      response.end('ok')
    })
    const ask = adapter()
    await ask(url)
    const held = new Error('the lease was lost')
    const onSend = (): void => {
      throw held
    }
    await expect(ask(url, { method: 'POST', body: 'x', onSend })).rejects.toBe(held)
    await expect(ask(url, { onSend })).rejects.toBe(held)
    expect(await ask(url)).toMatchObject({ status: 200 })
    expect(requests).toBe(2)
  })
})

describe('onSend in Node', () => {
  it('was called when the answer is lost', async () => {
    const onSend = vi.fn()
    const url = await raw((socket) => socket.destroy())
    expect([
      (await fault(client()(url, { method: 'POST', body: 'x', onSend }))).kind,
      onSend.mock.calls.length,
    ]).toEqual(['lost', 1])
  })

  it('that throws keeps the connection for the next request', async () => {
    const sockets = new Set<unknown>()
    const url = await serving((request, response) => {
      sockets.add(request.socket)
      response.end('ok')
    })
    const ask = client()
    const refuse = (): never => {
      throw new Error('no')
    }
    await ask(url)
    await ask(url, { onSend: refuse }).catch(() => {})
    await ask(url)
    expect(sockets.size).toBe(1)
  })

  it('is called once for each of many requests at once, refused ones among them', async () => {
    let arrived = 0
    const url = await serving((_request, response) => {
      arrived += 1
      response.end('ok')
    })
    const ask = client({ connections: 4 })
    let sent = 0
    const all = Array.from({ length: 60 }, (_, index) =>
      ask(url, {
        onSend() {
          if (index % 3 === 0) throw new Error('no')
          sent += 1
        },
      }).catch((error: unknown) => (error as Error).message),
    )
    const answers = await Promise.all(all)
    expect([sent, arrived, answers.filter((one) => one === 'no').length]).toEqual([40, 40, 20])
  })
})

describe('a tunnel', () => {
  it('carries TLS requests under the name of their host, one tunnel for all of them', async () => {
    const seen: IncomingMessage[] = []
    const { port } = new URL(await secure(seen))
    const { url, asked } = await proxying(tunnels(port))
    const ask = client({ proxy: { HTTPS_PROXY: url.replace('//', '//us%40er:p%3Aw@') } })
    expect((await ask('https://login.example.com/one')).status).toBe(200)
    await new Promise((resolve) => setImmediate(resolve))
    expect((await ask('https://login.example.com/two')).status).toBe(200)
    expect(seen.map((request) => request.url)).toEqual(['/one', '/two'])
    const [connected] = asked
    expect([asked.length, connected?.url, connected?.headers.host]).toEqual([
      1,
      'login.example.com:443',
      'login.example.com:443',
    ])
    expect(connected?.headers['proxy-authorization']).toBe(`Basic ${btoa('us@er:p:w')}`)
    expect(seen[0]?.headers).not.toHaveProperty('proxy-authorization')
  })

  it.each(['localhost', '127.0.0.1'])('is never used for %s', async (host) => {
    const url = new URL(await serving((_request, response) => response.end('ok')))
    url.hostname = host
    const { url: proxy, asked } = await proxying((socket) => socket.destroy())
    const answer = await client({ proxy: { HTTP_PROXY: proxy, HTTPS_PROXY: proxy } })(url.href)
    expect([answer.status, asked.length]).toEqual([200, 0])
  })
})

describe('a host of several addresses', () => {
  const resolving =
    (...addresses: readonly string[]): LookupFunction =>
    (_hostname, _options, callback) =>
      callback(
        null,
        addresses.map((address) => ({ address, family: address.includes(':') ? 6 : 4 })),
      )

  const through = (lookup: LookupFunction) => {
    const options = { timeoutMs: 5_000, clock: systemClock(), lookup }
    const { http, close } = undiciHttp(() => new Agent({ connect: connector(options) }))
    opened.push(close)
    return asking(http)
  }

  it.each([[['::1', '127.0.0.1']], [['127.0.0.2', '127.0.0.1']]])(
    'is reached when the first of %j is dead',
    async (addresses) => {
      const url = new URL(await serving((_request, response) => response.end('ok')))
      url.hostname = 'dual.example.com'
      expect((await through(resolving(...addresses))(url.href)).status).toBe(200)
    },
  )

  it('is unsent when all of them are dead', async () => {
    const url = new URL(await serving(() => {}))
    await closeOpened()
    url.hostname = 'dual.example.com'
    expect((await fault(through(resolving('::1', '127.0.0.1'))(url.href))).kind).toBe('unsent')
  })
})

describe('an address of IPv6', () => {
  it.each(['http:', 'https:'])('in brackets is reached by %s', async (protocol) => {
    const seen: unknown[] = []
    const on = (request: IncomingMessage, response: { end(text: string): void }): void => {
      seen.push(request.headers.host)
      response.end('ok')
    }
    const server = protocol === 'https:' ? createSecureServer({ cert, key }, on) : createHttpServer(on)
    const { port } = new URL(await listening(server, '::1'))
    expect((await client()(`${protocol}//[::1]:${port}/`)).status).toBe(200)
    expect(seen).toEqual([`[::1]:${port}`])
  })
})
