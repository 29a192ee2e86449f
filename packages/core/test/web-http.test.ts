import type { Socket } from 'node:net'
import { inspect } from 'node:util'
import { afterEach, describe, expect, it } from 'vitest'
import { type HttpRequest, MAX_ANSWER_BYTES } from '../src/ports/http.ts'
import { webHttp } from '../src/web/http.ts'
import { closeOpened, fault, raw, serving } from './http-servers.ts'

afterEach(closeOpened)

const never = new AbortController().signal
const http = webHttp()
const ask = (url: string, more: Partial<HttpRequest> = {}, signal = never) =>
  http({ method: 'GET', url, headers: {}, secrets: [], ...more }, signal)

describe('a request by fetch', () => {
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
    const answer = await ask(`${url}/a/b?c=d%20e`, { method: 'POST', headers: { 'x-one': '1' }, body: 'ünï' })
    expect(seen).toEqual([['POST', '/a/b?c=d%20e', '1', 'ünï']])
    expect(answer.status).toBe(201)
    expect(answer.headers).toMatchObject({ 'x-two': 'a, b', 'content-type': 'application/json' })
    expect(new TextDecoder().decode(answer.bytes)).toBe('{"é":1}')
  })

  it.each([204, 302, 307, 401, 500])('with the answer %i ends there: nothing is followed', async (status) => {
    const paths: unknown[] = []
    const url = await serving((request, response) => {
      paths.push(request.url)
      response.writeHead(status, { location: '/elsewhere' }).end()
    })
    const answer = await ask(`${url}/here`)
    expect([answer.status, answer.bytes.length, paths]).toEqual([status, 0, ['/here']])
  })

  it.each(['nonsense', 'http://', 'http://[::1', 'ftp://127.0.0.1/', 'http://canary:canary@127.0.0.1/'])(
    'to %j, which is no address that can be used, was not sent and does not show it',
    async (url) => {
      const error = await fault(ask(url))
      expect([error.kind, inspect(error, { depth: Infinity }).includes('canary')]).toEqual(['unsent', false])
    },
  )

  it.each([{ authorization: 'Bearer canary\r\nx-evil: 1' }, { 'not a canary': '1' }])(
    'with a header that cannot be sent was not sent, and the header is not shown',
    async (headers) => {
      const url = await serving((_, response) => response.end('ok'))
      const error = await fault(ask(url, { headers }))
      expect(error.kind).toBe('unsent')
      expect(inspect(error, { depth: Infinity, showHidden: true })).not.toContain('canary')
    },
  )

  it.each<[string, (socket: Socket) => void]>([
    ['is reset', (socket) => void socket.resetAndDestroy()],
    ['breaks off in the body', (socket) => void socket.end('HTTP/1.1 200 OK\r\ncontent-length: 10\r\n\r\n{"a"')],
    ['answers what is not HTTP', (socket) => void socket.end('HTTP/1.1 200 OK\r\ncontent-length: x-canary\r\n\r\n{}')],
  ])('over a connection that %s may have been seen', async (_, answer) => {
    const error = await fault(ask(await raw(answer)))
    expect([error.kind, inspect(error, { depth: Infinity }).includes('canary')]).toEqual(['lost', false])
  })

  it('reads an answer of exactly 1 MiB, and not one byte more', async () => {
    const url = await serving((request, response) => response.end(Buffer.alloc(Number(request.url?.slice(1)), 'a')))
    expect((await ask(`${url}/${MAX_ANSWER_BYTES}`)).bytes.length).toBe(MAX_ANSWER_BYTES)
    expect((await fault(ask(`${url}/${MAX_ANSWER_BYTES + 1}`))).kind).toBe('oversized')
  })

  it.each(['before its headers', 'in its body'])('is given up when the caller aborts %s', async (when) => {
    let arrived = (): void => {}
    const there = new Promise<void>((resolve) => (arrived = resolve))
    const url = await serving((_, response) => {
      if (when === 'in its body') response.write('{"slow":')
      arrived()
    })
    const stop = new AbortController()
    const asked = ask(url, {}, stop.signal)
    await there
    const reason = new Error('enough')
    setImmediate(() => stop.abort(reason))
    await expect(asked).rejects.toBe(reason)
  })

  it('is not made when the caller had aborted before', async () => {
    let requests = 0
    const url = await serving((_, response) => {
      requests += 1
      response.end()
    })
    await expect(ask(url, {}, AbortSignal.abort(new Error('enough')))).rejects.toThrow('enough')
    expect(requests).toBe(0)
  })
})
