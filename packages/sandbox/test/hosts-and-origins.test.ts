import { request } from 'node:http'
import { expect, it } from 'vitest'
import type { Sandbox } from '../src/index.ts'
import { askToken, mint, send, startSandbox } from './genesys-client.ts'
import { authorize, codeFor, exchange, refreshSignIn } from './user-client.ts'

/** The status of a request that names `host`: fetch always sends the true one. */
function statusFor(sandbox: Sandbox, host: string, path = '/.well-known/jwks.json'): Promise<number | undefined> {
  return new Promise((resolve, reject) => {
    request(`${sandbox.url}${path}`, { headers: { host } }, (answer) => {
      answer.resume()
      resolve(answer.statusCode)
    })
      .on('error', reject)
      .end()
  })
}

it.each(['localhost', 'localhost:80', 'LOCALHOST.', '127.0.0.1:1', '127.1.2.3', '[::1]:80', 'api.localhost:80'])(
  'answers on loopback to the name %s',
  async (host) => {
    expect(await statusFor(await startSandbox(), host)).toBe(200)
  },
)

it.each(['example.test', 'localhost.example.test', '127.0.0.1.example.test', '192.168.0.1:80', 'notlocalhost', 'a b'])(
  'refuses on loopback the name %s, which may be rebound',
  async (host) => {
    const sandbox = await startSandbox()
    expect(await statusFor(sandbox, host)).toBe(403)
    expect(await statusFor(sandbox, host, '/__sandbox/journal')).toBe(403)
    expect(sandbox.journal()).toEqual([])
  },
)

it('answers to allowed host names, and to all beyond loopback', async () => {
  expect(await statusFor(await startSandbox({ allowedHosts: ['Login.Genesys.Test'] }), 'login.genesys.test:80')).toBe(
    200,
  )
  expect(await statusFor(await startSandbox({ host: '0.0.0.0' }), 'example.test')).toBe(200)
})

it('allows pages of any origin to call, to read the headers, and to send preflight requests', async () => {
  const sandbox = await startSandbox()
  const asked = await send(sandbox, '/api/v2/webmessaging/guests/generate-token', {
    method: 'OPTIONS',
    headers: {
      origin: 'https://shop.test',
      'access-control-request-method': 'POST',
      'access-control-request-headers': 'authorization,idempotency-key',
    },
  })
  expect(asked.status).toBe(204)
  expect(asked.headers.get('access-control-allow-origin')).toBe('*')
  expect(asked.headers.get('access-control-allow-methods')).toContain('POST')
  expect(asked.headers.get('access-control-allow-headers')).toBe('authorization,idempotency-key')
  for (const reply of [await mint(sandbox), await mint(sandbox, {}, 'unknown'), await send(sandbox, '/nowhere')]) {
    expect(reply.headers.get('access-control-allow-origin')).toBe('*')
    expect(reply.headers.get('access-control-expose-headers')).toMatch(/inin-ratelimit-reset.*retry-after/)
  }
})

it('allows a page of another origin to exchange its code and to refresh, also to read refusals', async () => {
  const sandbox = await startSandbox({ autoConsent: true })
  const origin = 'https://shop.test'
  for (const path of ['/oauth/token', '/api/v2/oauth/token', '/oauth/revoke', '/oauth/device_authorization']) {
    const headers = {
      origin,
      'access-control-request-method': 'POST',
      'access-control-request-headers': 'content-type,x-requested-with',
    }
    const asked = await send(sandbox, path, { method: 'OPTIONS', headers })
    expect(asked.status).toBe(204)
    expect(asked.headers.get('access-control-allow-headers')).toBe('content-type,x-requested-with')
  }
  const exchanged = await exchange(sandbox, await codeFor(sandbox), {}, { origin })
  const next = await refreshSignIn(sandbox, String(exchanged.json['refresh_token']), {}, { origin })
  const refused = await askToken(sandbox, {}, { origin })
  expect([exchanged.status, next.status, refused.status]).toEqual([200, 200, 401])
  for (const { headers } of [exchanged, next, refused]) {
    expect(headers.get('access-control-allow-origin')).toBe('*')
    expect(headers.get('access-control-allow-credentials')).toBeNull()
  }
})

it('has no CORS headers on pages for users', async () => {
  const sandbox = await startSandbox()
  const pages = [
    await authorize(sandbox),
    await authorize(sandbox, { client_id: 'unknown' }),
    await authorize(sandbox, { response_type: 'token' }),
    await send(sandbox, '/device'),
    await send(sandbox, '/device', { method: 'POST', body: 'a'.repeat(2 * 1024 * 1024) }),
  ]
  expect(pages.map(({ status }) => status)).toEqual([200, 400, 302, 200, 413])
  for (const { headers } of pages) expect(headers.get('access-control-allow-origin')).toBeNull()
})
