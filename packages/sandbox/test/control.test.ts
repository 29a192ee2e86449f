import { describe, expect, it } from 'vitest'
import { accessToken, askToken, claims, control, send, START, startSandbox } from './genesys-client.ts'

const LAN = '0.0.0.0'

describe('the clock', () => {
  it('is set and moved, and all times follow it', async () => {
    const sandbox = await startSandbox()
    expect((await control(sandbox, 'clock', { offsetMs: 3_600_000 })).json).toEqual({
      now: '2026-01-01T01:00:00.000Z',
      offsetMs: 3_600_000,
    })
    expect((await control(sandbox, 'clock', { advanceMs: -600_000 })).json['offsetMs']).toBe(3_000_000)
    const reply = await askToken(sandbox)
    expect(claims(reply.json['access_token'])['iat']).toBe((START + 3_000_000) / 1000)
    expect(reply.headers.get('date')).toBe('Thu, 01 Jan 2026 00:50:00 GMT')
    expect((await send(sandbox, '/__sandbox/health')).json).toEqual({ status: 'up', now: '2026-01-01T00:50:00.000Z' })
  })

  it.each([{}, { offsetMs: 1, advanceMs: 1 }, { offsetMs: '1' }, { offsetMs: 1.5 }, { advanceMs: 1e15 }])(
    'is not moved by %j',
    async (body) => {
      const sandbox = await startSandbox()
      const reply = await control(sandbox, 'clock', body)
      expect([reply.status, reply.json['title']]).toEqual([400, 'The request is not valid'])
      expect((await send(sandbox, '/__sandbox/clock')).json['offsetMs']).toBe(0)
    },
  )

  it('refuses to move beyond the range of dates', async () => {
    const sandbox = await startSandbox()
    const far = { advanceMs: 3_000_000_000_000 }
    expect((await control(sandbox, 'clock', far)).status).toBe(200)
    expect((await control(sandbox, 'clock', far)).status).toBe(400)
  })
})

describe('control routes', () => {
  it.each([
    ['keys', {}],
    ['keys', { roll: false }],
    ['keys', { roll: true, drops: true }],
    ['limits', {}],
    ['limits', { perMinute: 0 }],
    ['limits', { perMinute: 1.5 }],
    ['limits', { perMinute: 10, burst: 0.5 }],
  ])('refuse what they do not know: %s %j', async (route, body) => {
    const sandbox = await startSandbox()
    expect((await control(sandbox, route, body)).status).toBe(400)
  })

  it('refuse a body that is not JSON, and list the routes at 404', async () => {
    const sandbox = await startSandbox()
    const broken = await send(sandbox, '/__sandbox/clock', {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: '{',
    })
    expect([broken.status, broken.json['detail']]).toEqual([400, 'The body is not valid JSON.'])
    const unknown = await send(sandbox, '/__sandbox/clocks')
    expect([unknown.status, unknown.headers.get('content-type')]).toEqual([
      404,
      'application/problem+json; charset=utf-8',
    ])
    expect(unknown.json['detail']).toContain('journal, faults, clock, keys, limits')
  })

  it('require no token on loopback', async () => {
    const sandbox = await startSandbox()
    expect((await send(sandbox, '/__sandbox/journal')).status).toBe(200)
  })

  it('require the token when the sandbox listens beyond loopback', async () => {
    const sandbox = await startSandbox({ host: LAN })
    for (const headers of [{}, { 'x-sandbox-token': `${sandbox.controlToken}x` }]) {
      for (const route of ['journal', 'health', 'nothing']) {
        expect((await send(sandbox, `/__sandbox/${route}`, { headers })).status).toBe(401)
      }
    }
    const headers = { 'x-sandbox-token': sandbox.controlToken }
    expect((await send(sandbox, '/__sandbox/journal', { headers })).status).toBe(200)
    expect((await control(sandbox, 'clock', { advanceMs: 1 }, headers)).status).toBe(200)
    await expect(accessToken(sandbox)).resolves.toMatch(/^ey/)
  })

  it('refuse a page of another origin', async () => {
    const sandbox = await startSandbox()
    const foreign = await control(sandbox, 'faults', [], { origin: 'http://example.test' })
    expect(foreign.status).toBe(403)
    expect((await control(sandbox, 'faults', [], { origin: sandbox.url })).status).toBe(200)
    const simple = await send(sandbox, '/__sandbox/faults', { method: 'POST', body: '[]' })
    expect(simple.status).toBe(415)
    expect(foreign.headers.get('access-control-allow-origin')).toBeNull()
  })
})
