import { describe, expect, it } from 'vitest'
import { accessToken, askToken, control, failureCode, mint, send, startSandbox } from './genesys-client.ts'

describe('a scripted fault', () => {
  it('replaces the answer, for the scripted number of requests, and nothing takes effect', async () => {
    const sandbox = await startSandbox()
    const token = await accessToken(sandbox)
    const fault = { status: 503, headers: { 'Retry-After': '7' }, body: { why: 'storm' } }
    const { status, json } = await control(sandbox, 'faults', [{ on: 'mint', do: fault, times: 2 }])
    expect([status, json]).toEqual([200, [{ on: 'mint', do: fault, times: 2 }]])
    for (const _ of [1, 2]) {
      const reply = await mint(sandbox, {}, token)
      expect([reply.status, reply.headers.get('retry-after'), reply.json]).toEqual([503, '7', { why: 'storm' }])
    }
    const through = await mint(sandbox, {}, token)
    expect(through.status).toBe(200)
    expect(through.headers.get('inin-ratelimit-count')).toBe('1')
  })

  it('is in the journal entry of its request only', async () => {
    const sandbox = await startSandbox({ faults: [{ on: 'token', do: { status: 500 } }] })
    await askToken(sandbox)
    await askToken(sandbox)
    expect(sandbox.journal().map(({ status, fault }) => [status, fault])).toEqual([
      [500, { status: 500 }],
      [200, undefined],
    ])
  })

  it('without a body answers with the error body of the endpoint', async () => {
    const sandbox = await startSandbox()
    const token = await accessToken(sandbox)
    sandbox.script([
      { on: 'token', do: { status: 400 } },
      { on: 'token', do: { status: 502 } },
      { on: 'mint', do: { status: 504, headers: { 'X-Proxy': 'yes' } } },
      { on: 'mint', do: { status: 202 } },
      { on: 'mint', do: { status: 204, body: 'dropped' } },
    ])
    expect((await askToken(sandbox)).json).toMatchObject({
      error: 'invalid_request',
      error_description: expect.any(String),
    })
    expect((await askToken(sandbox)).json['error']).toBe('server_error')
    const api = await mint(sandbox, {}, token)
    expect(api.json).toMatchObject({ code: 'request.timeout', status: 504 })
    expect(api.json['contextId']).toBe(api.headers.get('inin-correlation-id'))
    expect(api.headers.get('x-proxy')).toBe('yes')
    expect((await mint(sandbox, {}, token)).text).toBe('{}')
    expect((await mint(sandbox, {}, token)).text).toBe('')
  })

  it('sends a body that is text as it is, with the content type that was scripted', async () => {
    const sandbox = await startSandbox()
    const html = { status: 502, headers: { 'Content-Type': 'text/html' }, body: '<h1>Bad gateway</h1>' }
    sandbox.script([{ on: 'jwks', do: html }])
    const reply = await send(sandbox, '/.well-known/jwks.json')
    expect([reply.status, reply.headers.get('content-type'), reply.text]).toEqual([502, 'text/html', html.body])
  })

  it('affects only its own operation, the oldest fault first', async () => {
    const sandbox = await startSandbox()
    sandbox.script([{ on: 'mint', do: { status: 500 } }])
    sandbox.script([{ on: 'mint', do: { status: 502 } }])
    const token = await accessToken(sandbox)
    const statuses = [await mint(sandbox, {}, token), await mint(sandbox, {}, token), await mint(sandbox, {}, token)]
    expect(statuses.map(({ status }) => status)).toEqual([500, 502, 200])
  })

  it('is removed when the script is cleared', async () => {
    const sandbox = await startSandbox({ faults: [{ on: 'token', do: { status: 500 }, times: 9 }] })
    await control(sandbox, 'faults', [])
    expect((await askToken(sandbox)).status).toBe(200)
  })

  it('drops the connection before the request takes effect', async () => {
    const sandbox = await startSandbox()
    const token = await accessToken(sandbox)
    sandbox.script([{ on: 'mint', do: { drop: 'before' } }])
    expect(await failureCode(mint(sandbox, {}, token))).toBe('ECONNRESET')
    expect(sandbox.journal().at(-1)).toMatchObject({ status: null, operation: 'mint', fault: { drop: 'before' } })
    expect((await mint(sandbox, {}, token)).headers.get('inin-ratelimit-count')).toBe('1')
  })

  it('drops the connection after the request took effect', async () => {
    const sandbox = await startSandbox()
    const token = await accessToken(sandbox)
    const headers = { authorization: `Bearer ${token}` }
    sandbox.script([{ on: 'revoke', do: { drop: 'after' } }])
    expect(await failureCode(send(sandbox, '/api/v2/tokens/me', { method: 'DELETE', headers }))).toBe('ECONNRESET')
    expect(sandbox.journal().at(-1)).toMatchObject({ status: null, fault: { drop: 'after' } })
    expect((await send(sandbox, '/api/v2/tokens/me', { headers })).status).toBe(401)
  })

  it('delays the work, which takes effect although the client has disconnected', async () => {
    const sandbox = await startSandbox()
    const headers = { authorization: `Bearer ${await accessToken(sandbox)}` }
    const me = () => send(sandbox, '/api/v2/tokens/me', { headers })
    sandbox.script([{ on: 'revoke', do: { delayMs: 300 } }])
    const gone = new AbortController()
    const asked = send(sandbox, '/api/v2/tokens/me', { method: 'DELETE', headers, signal: gone.signal })
    await expect.poll(() => sandbox.journal().at(-1)?.operation).toBe('revoke')
    gone.abort()
    await expect(asked).rejects.toThrow()
    await expect.poll(async () => (await me()).status).toBe(401)
  })

  it.each([
    ['html', 'text/html; charset=utf-8', /^<!doctype html>/],
    ['truncated', 'application/json; charset=utf-8', /^\{"token":"[\w.-]+$/],
    ['empty', 'application/json; charset=utf-8', /^$/],
    ['type', 'text/plain; charset=utf-8', /^\{"token":"[\w.-]+"\}$/],
  ] as const)('garbles an answer: %s', async (garble, type, text) => {
    const sandbox = await startSandbox()
    sandbox.script([{ on: 'mint', do: { garble } }])
    const reply = await mint(sandbox)
    expect([reply.status, reply.headers.get('content-type')]).toEqual([200, type])
    expect(reply.text).toMatch(text)
    expect(reply.headers.get('inin-ratelimit-count')).toBe('1')
  })
})

describe('a script that is not valid', () => {
  it.each([
    ['no list', { on: 'mint' }, ''],
    ['an unknown operation', [{ on: 'mnit', do: { status: 500 } }], '0.on'],
    ['no effect', [{ on: 'mint' }], '0.do'],
    ['an effect of no known form', [{ on: 'mint', do: { explode: true } }], '0.do'],
    ['two effects at once', [{ on: 'mint', do: { status: 500, delayMs: 5 } }], '0.do'],
    ['a status that is none', [{ on: 'mint', do: { status: 99 } }], '0.do.status'],
    [
      'a header with a line break',
      [{ on: 'mint', do: { status: 500, headers: { a: 'b\r\nc: d' } } }],
      '0.do.headers.a',
    ],
    ['an unknown moment', [{ on: 'mint', do: { drop: 'during' } }], '0.do.drop'],
    ['a negative delay', [{ on: 'mint', do: { delayMs: -1 } }], '0.do.delayMs'],
    ['an unknown garbling', [{ on: 'mint', do: { garble: 'xml' } }], '0.do.garble'],
    ['zero times', [{ on: 'mint', do: { status: 500 }, times: 0 }], '0.times'],
    ['a misspelt field', [{ on: 'mint', do: { status: 500 }, time: 2 }], '0'],
  ])('is refused with a problem that names the place: %s', async (_, body, field) => {
    const sandbox = await startSandbox()
    const reply = await control(sandbox, 'faults', body)
    expect(reply.status).toBe(400)
    expect(reply.headers.get('content-type')).toMatch(/^application\/problem\+json/)
    expect(reply.json).toMatchObject({ status: 400, errors: [{ field }] })
    expect((await send(sandbox, '/__sandbox/faults')).text).toBe('[]')
  })

  it('is refused as a whole', async () => {
    const sandbox = await startSandbox()
    await control(sandbox, 'faults', [
      { on: 'token', do: { status: 500 } },
      { on: 'token', do: {} },
    ])
    expect((await askToken(sandbox)).status).toBe(200)
  })

  it('throws a TypeError from code, also at the start', async () => {
    const sandbox = await startSandbox()
    expect(() => sandbox.script([{ on: 'nothing', do: { status: 500 } }])).toThrow(
      new TypeError(
        'The faults are not valid: 0.on: one of authorize, channel, create, crm, device, guest, introspect, jwks, logout, me, metadata, mint, refresh, revoke, token, update, userinfo, users, webhook',
      ),
    )
    await expect(startSandbox({ faults: [{ on: 'nothing', do: { status: 500 } }] })).rejects.toThrow(TypeError)
  })
})
