import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { keys, serviceForTests, type ServiceForTests } from './service-for-tests.ts'

let on: ServiceForTests
beforeAll(async () => {
  on = await serviceForTests()
})
afterAll(() => on.close())

/** The roles that may call each route; the table of the specification. */
const routes: Readonly<Record<string, readonly string[]>> = {
  'POST /v1/guests': ['issuer'],
  'GET /v1/guests': ['issuer', 'operator'],
  'GET /v1/guests/{guestId}': ['issuer', 'operator'],
  'POST /v1/guests/{guestId}/token': ['issuer'],
  'POST /v1/guests/{guestId}/refresh': ['issuer'],
  'POST /v1/guests/{guestId}/revoke': ['issuer', 'operator'],
  'DELETE /v1/guests/{guestId}': ['issuer', 'operator'],
  'GET /v1/guests/{guestId}/why': ['operator'],
  'POST /v1/tokens/verify': ['issuer', 'verifier'],
  'POST /v1/people/find': ['operator'],
  'POST /v1/people/export': ['operator'],
  'POST /v1/people/erase': ['operator'],
  'GET /v1/connections': ['operator'],
  'POST /v1/connections/{name}/token': ['connection'],
  'POST /v1/connections/{name}/login': ['operator'],
  'GET /v1/webhooks': ['operator', 'auditor'],
  'POST /v1/webhooks': ['operator'],
  'PATCH /v1/webhooks/{id}': ['operator'],
  'DELETE /v1/webhooks/{id}': ['operator'],
  'POST /v1/webhooks/{id}/rotate': ['operator'],
  'POST /v1/webhooks/{id}/test': ['operator'],
  'POST /v1/webhooks/{id}/redeliver': ['operator'],
  'GET /v1/webhooks/{id}/dead': ['operator', 'auditor'],
  'GET /v1/api-keys': ['operator'],
  'POST /v1/api-keys': ['operator'],
  'POST /v1/api-keys/{id}/rotate': ['operator'],
  'DELETE /v1/api-keys/{id}': ['operator'],
  'GET /session': ['issuer', 'verifier', 'operator', 'auditor', 'metrics', 'connection'],
  'GET /v1/audit': ['operator', 'auditor'],
  'GET /v1/audit/verify': ['operator', 'auditor'],
  'GET /v1/report': ['operator', 'auditor'],
  'GET /v1/health': ['operator'],
  'GET /v1/events': ['operator', 'auditor'],
}

const open = ['GET /readyz', 'GET /metrics', 'POST /session', 'DELETE /session']

interface Paths {
  readonly paths: Readonly<Record<string, Readonly<Record<string, { readonly description?: string }>>>>
}

it('the OpenAPI document has exactly these routes, each with its roles', async () => {
  const { body } = await on.call('GET', '/openapi.json', { key: null })
  const { paths } = body as unknown as Paths
  const found = Object.entries(paths).flatMap(([path, methods]) =>
    Object.entries(methods).map(([method, { description = '' }]) => [
      `${method.toUpperCase()} ${path}`,
      Array.from(description.matchAll(/`(\w+)`/g), ([, role]) => role),
    ]),
  )
  const named = found.filter(([name]) => !open.includes(String(name)))
  expect(Object.fromEntries(named)).toEqual(routes)
})

describe.each(Object.entries(routes))('%s', (route, roles) => {
  const [method = '', path = ''] = route.split(' ')
  const url = path.replaceAll(/\{\w+\}/g, 'x')

  it('is refused without a key and with a wrong one', async () => {
    for (const key of [null, 'test-secret-wrong', 'gpk_0123456789abcdef_AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA']) {
      const { status, body, headers } = await on.call(method, url, { key })
      expect([status, body['code']]).toEqual([401, 'api_key_invalid'])
      expect(headers['www-authenticate']).toContain('Bearer')
    }
  })

  it(`is for ${roles.join(' and ')} alone`, async () => {
    for (const role of ['issuer', 'verifier', 'operator', 'auditor', 'metrics', 'connection'] as const) {
      if (roles.includes(role) && route.endsWith('/events')) continue
      const { status } = await on.call(method, url, { key: keys[role], ...(method === 'POST' ? { body: [] } : {}) })
      expect([role, status === 403]).toEqual([role, !roles.includes(role)])
    }
  })
})

describe('a request', () => {
  it('for an unknown route is refused as such', async () => {
    const { status, body } = await on.call('GET', '/v1/nothing')
    expect([status, body['code']]).toEqual([404, 'route_unknown'])
  })

  it.each([
    ['PUT', '/v1/guests/a%2Fb?api=engagements', 'DELETE, GET'],
    ['DELETE', '/v1/guests', 'GET, POST'],
    ['POST', '/livez', 'GET, HEAD'],
    ['GET', '/v1/tokens/verify', 'POST'],
  ])('of the method %s to %s is refused with the methods of the route', async (method, url, allow) => {
    const { status, body, headers } = await on.call(method, url)
    expect([status, body['code'], headers['allow']]).toEqual([405, 'method_not_allowed', allow])
  })

  it('for another host does not reach a service on loopback', async () => {
    for (const host of ['evil.example.com', 'evil.example.com:80', '169.254.169.254']) {
      const { status, body } = await on.call('GET', '/v1/guests', { headers: { host } })
      expect([host, status, body['code']]).toEqual([host, 421, 'host_refused'])
    }
    for (const host of ['localhost', 'localhost:4000', '127.0.0.1:1', '[::1]:7'])
      expect((await on.call('GET', '/v1/guests', { headers: { host } })).status).toBe(200)
  })

  it.each(['/v1/guests/%', '/v1/guests/%ff', '/v1/guests/%c0%80/why', '//', '/v1/guests/..%2f..'])(
    'for the path %s is refused as malformed or unknown',
    async (path) => {
      const { status, headers } = await on.call('GET', path, { key: keys.operator })
      expect([400, 404]).toContain(status)
      expect(headers['content-type']).toContain('problem+json')
    },
  )

  it('with a strange id gets a new one', async () => {
    const { headers } = await on.call('GET', '/v1/guests', { headers: { 'x-request-id': 'a b' } })
    expect(headers['x-request-id']).toMatch(/^[\da-f-]{36}$/)
  })

  it('is logged without addresses, headers and bodies', async () => {
    await on.call('GET', '/v1/guests/some-guest?api=guest-tokens', { headers: { 'x-request-id': 'logged-1' } })
    const line = on.log.find((one) => one.includes('logged-1')) ?? ''
    expect(JSON.parse(line)).toMatchObject({
      level: 'info',
      event: 'request',
      method: 'GET',
      route: '/v1/guests/:guestId',
      status: 404,
      code: 'guest_unknown',
      connection: 'default',
    })
    expect(line).not.toContain('some-guest')
  })

  it('that is refused for the role of its key is logged with the key', async () => {
    const headers = { 'x-request-id': 'logged-2' }
    await on.call('POST', '/v1/people/find', { headers, body: { email: 'ann@mail.test' } })
    const line = on.log.find((one) => one.includes('logged-2')) ?? ''
    expect(JSON.parse(line)).toMatchObject({
      code: 'role_missing',
      key: expect.stringMatching(/^env-/),
      connection: 'default',
    })
  })
})
