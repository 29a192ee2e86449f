import { nodePorts } from '@guestpass/core/node'
import { localKeyRing, sqliteStore } from '@guestpass/store/sqlite'
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest'
import type { ServiceOptions } from '../src/service.ts'
import { type Body, keys, serviceForTests, type ServiceForTests } from './service-for-tests.ts'

const operator = { key: keys.operator }

let on: ServiceForTests
beforeAll(async () => {
  on = await serviceForTests()
})
afterAll(() => on.close())

const issue = async (key: string = keys.issuer): Promise<string> => {
  const { body } = await on.call('POST', '/v1/guests', { key, body: { scopes: ['webmessaging:guest:send'] } })
  return String(body['guestId'])
}
const listOf = ({ body }: { readonly body: Body }) => body['data'] as readonly Body[]

describe('a token', () => {
  it('is given by a verdict, and its missing scopes are named', async () => {
    const guestId = await issue()
    const { body } = await on.call('POST', `/v1/guests/${guestId}/token`)
    const verify = (more: object) =>
      on.call('POST', '/v1/tokens/verify', { key: keys.verifier, body: { token: body['token'], ...more } })
    expect((await verify({ subject: guestId })).body).toMatchObject({ valid: true, claims: { sub: guestId } })
    expect((await verify({ subject: 'another' })).body).toMatchObject({ valid: false, reason: 'subject' })
    expect((await verify({ scopes: ['x:y'] })).body).toEqual({ valid: false, reason: 'scope', missing: ['x:y'] })
    await on.call('POST', `/v1/guests/${guestId}/revoke`)
    expect((await verify({})).body).toEqual({ valid: false, reason: 'revoked' })
  })
})

describe('the person of an address', () => {
  it('is found, handed out and erased by it', async () => {
    const person = { email: 'ann@mail.test' }
    const request = { api: 'engagements', ...person, consent: true, name: 'Ann', attributes: { plan: 'gold' } }
    const issued = await on.call('POST', '/v1/guests', {
      body: { ...request, channelId: on.upstream.channelId },
      headers: { 'idempotency-key': 'ann' },
    })
    expect(issued.body).toMatchObject({ api: 'engagements', channelId: on.upstream.channelId })
    const of = (what: string) => on.call('POST', `/v1/people/${what}`, { ...operator, body: person })
    expect(listOf(await of('find'))).toMatchObject([{ guestId: issued.body['guestId'] }])
    expect((await of('export')).body).toMatchObject({ guests: [{ guestId: issued.body['guestId'] }] })
    expect((await of('erase')).body).toMatchObject({ guests: [{ local: 'done' }] })
    expect(listOf(await of('find'))).toEqual([])
    const again = { body: { ...request, channelId: on.upstream.channelId }, headers: { 'idempotency-key': 'ann' } }
    expect((await on.call('POST', '/v1/guests', again)).status).toBe(410)
  })
})

describe('the audit log', () => {
  it('is read from its end, a page at a time, and verified', async () => {
    const guestId = await issue()
    const page = await on.call('GET', `/v1/audit?guest=${guestId}&limit=1`, { key: keys.auditor })
    expect(listOf(page)).toMatchObject([{ eventType: 'TOKEN_GENERATED_SUCCESS' }])
    const { cursor } = page.body['pagination'] as { readonly cursor: string }
    const older = await on.call('GET', `/v1/audit?guest=${guestId}&limit=1&cursor=${cursor}`, operator)
    expect(listOf(older)).toMatchObject([{ eventType: 'TOKEN_REQUEST_INITIATED' }])
    expect((await on.call('GET', '/v1/audit/verify', operator)).body).toMatchObject({ valid: true })
    expect((await on.call('GET', '/v1/audit/verify?fromLast=true', operator)).body).toMatchObject({ valid: true })
    const { status, body } = await on.call('GET', '/v1/audit?cursor=abc&limit=many', operator)
    const message = 'is not a number'
    expect([status, body['fields']]).toMatchObject([
      400,
      [
        { field: 'limit', message },
        { field: 'cursor', message },
      ],
    ])
  })

  it('explains what happened to a guest', async () => {
    const guestId = await issue()
    const { body } = await on.call('GET', `/v1/guests/${guestId}/why`, operator)
    expect(body).toMatchObject({ guestId, cause: expect.any(String) })
    expect((await on.call('GET', `/v1/guests/${guestId}/why?at=yesterday`, operator)).body).toMatchObject({
      fields: [{ field: 'at', message: 'is neither an age nor a time' }],
    })
  })

  it('is summed up in a report', async () => {
    const { body } = await on.call('GET', '/v1/report?since=1h', operator)
    expect(body).toMatchObject({ connection: 'default', successfulRefreshes: expect.any(Number) })
  })
})

describe('a webhook endpoint', () => {
  it('is added with its secret, which is masked from then on', async () => {
    const added = await on.call('POST', '/v1/webhooks', { ...operator, body: { url: 'https://hooks.example.org/in' } })
    expect(added.status).toBe(201)
    expect(added.body['secrets']).toEqual([expect.stringMatching(/^whsec_/)])
    const id = String(added.body['id'])
    const listed = listOf(await on.call('GET', '/v1/webhooks', { key: keys.auditor })).find((one) => one['id'] === id)
    expect(listed).toMatchObject({ waiting: expect.any(Number), deadLetters: 0 })
    expect(listed?.['secrets']).not.toEqual(added.body['secrets'])
    const rotated = await on.call('POST', `/v1/webhooks/${id}/rotate`, operator)
    expect(rotated.body['secrets']).toHaveLength(2)
    const changed = await on.call('PATCH', `/v1/webhooks/${id}`, { ...operator, body: { enabled: false } })
    expect(changed.body).toMatchObject({ disabled: { why: 'an operator disabled it' } })
    const enabled = await on.call('PATCH', `/v1/webhooks/${id}`, { ...operator, body: { enabled: true } })
    expect(enabled.body['disabled']).toBeUndefined()
    expect((await on.call('POST', `/v1/webhooks/${id}/redeliver`, operator)).body).toEqual({ id, redelivered: 0 })
    expect(listOf(await on.call('GET', `/v1/webhooks/${id}/dead`, operator))).toEqual([])
    expect((await on.call('DELETE', `/v1/webhooks/${id}`, operator)).body).toEqual({ id, removed: true })
    expect((await on.call('DELETE', `/v1/webhooks/${id}`, operator)).body['code']).toBe('webhook_unknown')
  })

  it('must be public', async () => {
    for (const url of ['http://hooks.example.org', 'https://127.0.0.1/in', 'https://169.254.169.254/']) {
      const { status } = await on.call('POST', '/v1/webhooks', { ...operator, body: { url } })
      expect([url, status]).toEqual([url, 400])
    }
  })

  it('of the configuration takes a test', async () => {
    const { status, body } = await on.call('POST', '/v1/webhooks/idp/test', operator)
    expect([status, body]).toEqual([200, expect.objectContaining({ id: 'idp', delivered: true, statusCode: 204 })])
  })
})

describe('an API key', () => {
  const create = async (body: object) => on.call('POST', '/v1/api-keys', { ...operator, body })

  it('opens the service at once, is shown without the key, and is revoked at once', async () => {
    const { status, body } = await create({ name: 'shop', roles: ['issuer'] })
    expect(status).toBe(201)
    const id = String(body['id'])
    const key = String(body['key'])
    const guestId = await issue(key)
    expect((await on.call('GET', `/v1/guests/${guestId}`, { key })).body['owner']).toBe(`key:${id}`)
    const listed = await on.call('GET', '/v1/api-keys', operator)
    expect(listed.text).not.toContain(key)
    expect(listOf(listed).filter(({ configured }) => configured !== true)).toMatchObject([
      { id, name: 'shop', roles: ['issuer'], usedAt: expect.any(String) },
    ])
    expect((await on.call('DELETE', `/v1/api-keys/${id}`, operator)).status).toBe(200)
    expect((await on.call('GET', '/v1/guests', { key })).status).toBe(401)
    const { body: audit } = await on.call('GET', '/v1/audit?event=API_KEY_CREATED,API_KEY_REVOKED', operator)
    expect(audit['data']).toMatchObject([
      { eventType: 'API_KEY_CREATED', data: { key: id } },
      { eventType: 'API_KEY_REVOKED', data: { key: id } },
    ])
  })

  it('of the configuration is listed too, and is ended there alone', async () => {
    const listed = listOf(await on.call('GET', '/v1/api-keys', operator))
    const configured = listed.filter((one) => one['configured'])
    expect(configured.map(({ roles }) => String(roles))).toContain('auditor')
    for (const [method, more] of [
      ['DELETE', ''],
      ['POST', '/rotate'],
    ] as const) {
      const url = `/v1/api-keys/${String(configured[0]?.['id'])}${more}`
      const { status, body } = await on.call(method, url, operator)
      expect([status, body['detail']]).toEqual([404, expect.stringContaining('Remove it from GUESTPASS_API_KEYS')])
    }
  })

  it('shares its guests within a group', async () => {
    const [one, other] = await Promise.all(
      ['one', 'other'].map(async (name) => (await create({ name, roles: ['issuer'], group: 'web' })).body),
    )
    const guestId = await issue(String(one?.['key']))
    expect((await on.call('GET', `/v1/guests/${guestId}`, { key: String(other?.['key']) })).status).toBe(200)
    expect((await on.call('GET', `/v1/guests/${guestId}`)).status).toBe(404)
  })

  it('is replaced with an overlap, and the new one has its guests', async () => {
    const { body: former } = await create({ name: 'rotated', roles: ['issuer'] })
    const guestId = await issue(String(former['key']))
    const rotate = { ...operator, body: { overlapSeconds: 3600 } }
    const { status, body } = await on.call('POST', `/v1/api-keys/${String(former['id'])}/rotate`, rotate)
    expect([status, body['owner']]).toEqual([201, former['owner']])
    for (const key of [String(former['key']), String(body['key'])])
      expect((await on.call('GET', `/v1/guests/${guestId}`, { key })).status).toBe(200)
    const listed = listOf(await on.call('GET', '/v1/api-keys', operator))
    expect(listed.find(({ id }) => id === former['id'])?.['expiresAt']).toEqual(expect.any(String))
  })

  it('has a quota of its own', async () => {
    const { body } = await create({ name: 'slow', roles: ['issuer'], perMinute: 2 })
    const call = () => on.call('GET', '/v1/guests', { key: String(body['key']) })
    expect([(await call()).status, (await call()).status]).toEqual([200, 200])
    const refused = await call()
    expect([refused.status, refused.body['code']]).toEqual([429, 'quota_exceeded'])
    expect(Number(refused.headers['retry-after'])).toBeGreaterThan(0)
  })

  it('cannot be given a role that its maker lacks and no operator has', async () => {
    const { status, body } = await create({ name: 'tokens', roles: ['connection'] })
    expect([status, body['code']]).toEqual([403, 'role_missing'])
  })

  it('of one connection does not name another one', async () => {
    const { status, body } = await on.call('POST', '/v1/connections/acme/token', { key: keys.connection })
    expect([status, body['code']]).toEqual([404, 'connection_unknown'])
    const own = await on.call('POST', '/v1/connections/default/token', { key: keys.connection })
    expect(own.body).toMatchObject({ accessToken: expect.any(String), status: expect.any(String) })
  })
})

describe('the operation', () => {
  it('shows connections without a token', async () => {
    expect(listOf(await on.call('GET', '/v1/connections', operator))).toMatchObject([{ connection: 'default' }])
  })

  it('is seen in the health of store and workers', async () => {
    const { body } = await on.call('GET', '/v1/health', operator)
    expect(body).toMatchObject({ connection: 'default', store: { place: 'memory' } })
  })

  it('says that a store is failing which does not answer within a second', async () => {
    const makePorts: ServiceOptions['makePorts'] = (env) => {
      const ports = nodePorts({ proxy: env })
      return { ...ports, clock: { ...ports.clock, sleep: (ms, signal) => ports.clock.sleep(ms / 100, signal) } }
    }
    const other = await serviceForTests({ service: { makePorts } })
    const chainHead = vi.spyOn(other.service.connections.first.runtime.store, 'chainHead')
    chainHead.mockReturnValue(new Promise(() => {}))
    const { body } = await other.call('GET', '/v1/health', operator)
    expect(body).toMatchObject({ status: 'degraded', store: { error: { code: 'store_busy' } } })
    await other.close()
  })

  it('says that a store is failing whose keys were rotated to one that this instance lacks', async () => {
    const [own, next] = [7, 9].map((byte) => Buffer.alloc(32, byte).toString('base64'))
    const env = { GUESTPASS_DATABASE_URL: 'guestpass.db', GUESTPASS_ENCRYPTION_KEY: own }
    const other = await serviceForTests({ env })
    const before = await other.call('GET', '/v1/health', operator)
    expect(before.body).toMatchObject({ status: 'ok' })
    const { clock, random, close } = nodePorts()
    const { place: path } = before.body['store'] as { readonly place: string }
    const keyRing = localKeyRing(`${next},${own}`, { random })
    const store = await sqliteStore({ path, keyRing, clock, random })
    await store.keys.rotate()
    await Promise.all([store.close(), close()])
    const { body } = await other.call('GET', '/v1/health', operator)
    expect(body).toMatchObject({ status: 'degraded', store: { error: { code: 'store_wrong_key' } } })
    await other.close()
  })

  it('is open to probes, which say that it has not started', async () => {
    expect((await on.call('GET', '/livez', { key: null })).body).toEqual({ status: 'alive' })
    const { status, body } = await on.call('GET', '/readyz', { key: null })
    expect([status, body['status']]).toEqual([503, 'starting'])
  })

  it('gives metrics on loopback and to the role, not through a proxy', async () => {
    const { text } = await on.call('GET', '/metrics', { key: null })
    expect(text).toContain('guestpass_http_requests_total{method="GET",route="/livez",status="200"} 1')
    expect(text).toContain('guestpass_operations_total{connection="default",operation="guest_token_issued"}')
    expect((await on.call('GET', '/metrics', { key: keys.metrics })).status).toBe(200)
    expect((await on.call('GET', '/metrics')).status).toBe(403)
    const proxied = { key: null, headers: { 'x-forwarded-for': '127.0.0.1' } }
    expect((await on.call('GET', '/metrics', proxied)).status).toBe(401)
  })

  it('has a page of its routes that needs no network', async () => {
    const { text, headers } = await on.call('GET', '/docs', { key: null })
    expect(text).toContain('POST /v1/guests')
    expect(headers['content-security-policy']).toContain("default-src 'none'")
    expect(text).not.toMatch(/<script|<img|(?:src|href)="(?!#|openapi)/)
  })
})
