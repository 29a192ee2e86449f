import type { Socket } from 'node:net'
import { inspect } from 'node:util'
import { expect, it } from 'vitest'
import { type Http, type HttpAnswer, HttpFault, type HttpRequest, MAX_ANSWER_BYTES } from '../../src/ports/http.ts'
import { fault, raw, serving } from './http-servers.ts'

const never = new AbortController().signal

/** Asks as an adapter does. */
export const asking =
  (http: Http) =>
  (url: string, more: Partial<HttpRequest> = {}, signal = never): Promise<HttpAnswer> =>
    http({ method: 'GET', url, headers: {}, secrets: [], ...more }, signal)

type Broken = readonly [how: string, answer: (socket: Socket) => void]

function areLost(adapter: () => Http, rows: readonly Broken[]): void {
  it.each(rows)('over a connection that %s may have been seen', async (_how, answer) => {
    expect((await fault(asking(adapter())(await raw(answer)))).kind).toBe('lost')
  })
}

function endsThere(adapter: () => Http, statuses: readonly number[]): void {
  it.each(statuses)('with the answer %i ends there: nothing is followed', async (status) => {
    const paths: unknown[] = []
    const url = await serving((request, response) => {
      paths.push(request.url)
      response.writeHead(status, { location: '/elsewhere' }).end()
    })
    const answer = await asking(adapter())(`${url}/here`)
    expect([answer.status, answer.bytes.length, paths]).toEqual([status, 0, ['/here']])
  })
}

/** What a browser does its own way: it hides redirects, takes headers that break off, and more of them than anybody needs. */
export function strictHttpCases(adapter: () => Http): void {
  endsThere(adapter, [301, 302, 307])

  areLost(adapter, [
    ['breaks off in the headers', (socket) => void socket.end('HTTP/1.1 200 OK\r\ncontent-le')],
    [
      'has headers beyond all bounds',
      (socket) => void socket.end(`HTTP/1.1 200 OK\r\nx: ${'y'.repeat(400_000)}\r\n\r\n`),
    ],
  ])

  it('shows nothing of an answer that is not HTTP', async () => {
    const url = await raw(
      (socket) => void socket.end('HTTP/1.1 200 OK\r\ncontent-length: x-canary\r\n\r\n{"token":"canary"}'),
    )
    const error = await fault(asking(adapter())(url))
    expect(inspect(error, { depth: Infinity, showHidden: true })).not.toContain('canary')
  })
}

/** What every way over the network does, be it of Node or of a browser. Servers are closed by who calls this. */
export function httpCases(adapter: () => Http): void {
  const client = () => asking(adapter())

  it('is sent as it is and answered with status, headers in lower case and bytes', async () => {
    const seen: unknown[] = []
    const url = await serving((request, response) => {
      let body = ''
      request.on('data', (part: Buffer) => (body += part.toString()))
      request.on('end', () => {
        seen.push([request.method, request.url, request.headers['x-one'], body])
        response.writeHead(201, { 'X-Two': ['a', 'b'], 'Content-Type': 'application/json' }).end('{"é":1}')
      })
    })
    const answer = await client()(`${url}/a/b?c=d%20e`, { method: 'POST', headers: { 'x-one': '1' }, body: 'ünï' })
    expect(seen).toEqual([['POST', '/a/b?c=d%20e', '1', 'ünï']])
    expect(answer.status).toBe(201)
    expect(answer.headers).toMatchObject({ 'x-two': 'a, b', 'content-type': 'application/json' })
    expect(new TextDecoder().decode(answer.bytes)).toBe('{"é":1}')
  })

  endsThere(adapter, [200, 204, 404, 500])

  it('is never repeated', async () => {
    let requests = 0
    const url = await raw((socket) => {
      requests += 1
      socket.destroy()
    })
    await fault(client()(url))
    expect(requests).toBe(1)
  })

  it('goes over a connection that is kept open, and over another when that was closed', async () => {
    const sockets = new Set<unknown>()
    const url = await serving((request, response) => {
      sockets.add(request.socket)
      response.end('ok')
      if (request.url === '/last') response.on('close', () => request.socket.destroy())
    })
    const ask = client()
    const settled = () => new Promise((resolve) => setImmediate(resolve))
    await ask(`${url}/one`)
    await settled()
    await ask(`${url}/last`)
    expect(sockets.size).toBe(1)
    await settled()
    const later = await ask(`${url}/three`).catch((error: unknown) => error)
    if (later instanceof HttpFault) expect(later.kind).toBe('lost')
    else expect(later).toMatchObject({ status: 200 })
    expect(await ask(`${url}/four`)).toMatchObject({ status: 200 })
    expect(sockets.size).toBeGreaterThan(1)
  })

  it('by TLS to a server without TLS was not sent, or is not known to be', async () => {
    const url = await serving((_request, response) => response.end('ok'))
    const { kind } = await fault(client()(url.replace('http:', 'https:')))
    expect(['unsent', 'lost']).toContain(kind)
  })

  it.each(['nonsense', 'http://', 'http://[::1', 'ftp://127.0.0.1/', 'http://canary:canary@127.0.0.1/'])(
    'to %j, which is no address that can be used, was not sent and does not show it',
    async (url) => {
      const error = await fault(client()(url))
      expect([error.kind, inspect(error, { depth: Infinity }).includes('canary')]).toEqual(['unsent', false])
    },
  )

  it.each([{ authorization: 'Bearer canary\r\nx-evil: 1' }, { 'not a canary': '1' }])(
    'with a header that cannot be sent was not sent, and the header is not shown',
    async (headers) => {
      const url = await serving((_request, response) => response.end('ok'))
      const error = await fault(client()(url, { headers }))
      expect(error.kind).toBe('unsent')
      expect(inspect(error, { depth: Infinity, showHidden: true })).not.toContain('canary')
    },
  )

  areLost(adapter, [
    ['is reset', (socket) => void socket.resetAndDestroy()],
    ['is closed', (socket) => void socket.end()],
    ['breaks off in the body', (socket) => void socket.end('HTTP/1.1 200 OK\r\ncontent-length: 10\r\n\r\n{"a"')],
    [
      'breaks off in a chunk',
      (socket) => void socket.end('HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n5\r\n{"a"'),
    ],
    [
      'is reset in the body',
      (socket) =>
        void socket.write('HTTP/1.1 200 OK\r\ncontent-length: 10\r\n\r\n{"a"', () => socket.resetAndDestroy()),
    ],
    ['is not HTTP', (socket) => void socket.end('hello\r\n\r\n')],
  ])

  it('with an answer of exactly 1 MiB is read, one byte more is not', async () => {
    const url = await serving((request, response) => response.end(Buffer.alloc(Number(request.url?.slice(1)), 'a')))
    const ask = client()
    expect((await ask(`${url}/${MAX_ANSWER_BYTES}`)).bytes.length).toBe(MAX_ANSWER_BYTES)
    expect((await fault(ask(`${url}/${MAX_ANSWER_BYTES + 1}`))).kind).toBe('oversized')
    expect((await ask(`${url}/5`)).bytes.length).toBe(5)
  })

  it('with an answer without end is given up after 1 MiB', async () => {
    const url = await serving((_request, response) => {
      const more = (): void => {
        if (!response.destroyed) response.write(Buffer.alloc(65_536), () => setImmediate(more))
      }
      more()
    })
    expect((await fault(client()(url))).kind).toBe('oversized')
  })

  it.each(['before its headers', 'in its body'])('is given up when the caller aborts %s', async (when) => {
    let arrived = (): void => {}
    const there = new Promise<void>((resolve) => (arrived = resolve))
    const url = await serving((_request, response) => {
      if (when === 'in its body') response.write('{"slow":')
      arrived()
    })
    const stop = new AbortController()
    const asked = client()(url, {}, stop.signal)
    await there
    const reason = new Error('enough')
    setImmediate(() => stop.abort(reason))
    await expect(asked).rejects.toBe(reason)
  })

  it('is not made when the caller had aborted before', async () => {
    let requests = 0
    const url = await serving((_request, response) => {
      requests += 1
      response.end()
    })
    await expect(client()(url, {}, AbortSignal.abort(new Error('enough')))).rejects.toThrow('enough')
    expect(requests).toBe(0)
  })
}
