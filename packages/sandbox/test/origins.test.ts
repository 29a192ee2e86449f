import { request } from 'node:http'
import { expect, it } from 'vitest'
import type { Sandbox } from '../src/index.ts'
import { mint, send, started } from './genesys-client.ts'

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
    expect(await statusFor(await started(), host)).toBe(200)
  },
)

it.each(['example.test', 'localhost.example.test', '127.0.0.1.example.test', '192.168.0.1:80', 'notlocalhost', 'a b'])(
  'refuses on loopback the name %s, which may be rebound',
  async (host) => {
    const sandbox = await started()
    expect(await statusFor(sandbox, host)).toBe(403)
    expect(await statusFor(sandbox, host, '/__sandbox/journal')).toBe(403)
    expect(sandbox.journal()).toEqual([])
  },
)

it('answers to names that it was told, and to all when it listens beyond loopback', async () => {
  expect(await statusFor(await started({ allowedHosts: ['Login.Genesys.Test'] }), 'login.genesys.test:80')).toBe(200)
  expect(await statusFor(await started({ host: '0.0.0.0' }), 'example.test')).toBe(200)
})

it('lets pages of any origin call, read what clients need, and ask beforehand', async () => {
  const sandbox = await started()
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
