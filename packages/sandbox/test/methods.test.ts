import { afterAll, beforeAll, expect, it } from 'vitest'
import { sandbox as start, type Sandbox } from '../src/index.ts'
import { send } from './genesys-client.ts'

let sandbox: Sandbox
beforeAll(async () => {
  sandbox = await start({ algorithm: 'ES256' })
})
afterAll(() => sandbox.close())

it.each([
  ['GET', '/oauth/token', 'POST', /"error":"invalid_request"/],
  ['PUT', '/oauth/authorize?client_id=x', 'GET, HEAD, POST', /<!doctype html>/],
  ['DELETE', '/api/v2/engagements/guests', 'POST', /"code":"method.not.allowed","status":405/],
  ['DELETE', '/api/v2/engagements/guests/a%2Fb', 'GET, HEAD, PUT', /Send GET, HEAD, PUT/],
  ['POST', '/api/v2/tokens/me', 'GET, HEAD, DELETE', /POST is not supported here/],
  ['GET', '/webhooks/idp', 'POST', /method.not.allowed/],
])('answers 405 to %s %s, and allows %s', async (method, path, allow, body) => {
  const reply = await send(sandbox, path, { method })
  expect([reply.status, reply.headers.get('allow')]).toEqual([405, allow])
  expect(reply.text).toMatch(body)
  expect(sandbox.journal().at(-1)).toMatchObject({ method, status: 405 })
})

it.each(['/oauth/token/', '/webhooks', '/api/v2/tokens/me/x', '/'])('answers 404 to any method at %s', async (path) => {
  for (const method of ['GET', 'PUT']) expect((await send(sandbox, path, { method })).status).toBe(404)
})
