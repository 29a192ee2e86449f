import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { keys, serviceForTests, type ServiceForTests } from './service-for-tests.ts'

const SCOPES = ['webmessaging:guest:send']

let on: ServiceForTests
beforeAll(async () => {
  on = await serviceForTests({ sandbox: { rateLimit: { perMinute: 10_000, burst: 10_000 } } })
})
afterAll(() => on.close())

const issue = (headers: Readonly<Record<string, string>> = {}, more = {}) =>
  on.call('POST', '/v1/guests', { body: { scopes: SCOPES, ...more }, headers })

describe('POST /v1/guests', () => {
  it('issues a guest with its token', async () => {
    const { status, body, headers } = await issue({ 'x-request-id': 'order-7' })
    expect(status).toBe(201)
    expect(body).toMatchObject({ api: 'guest-tokens', generation: 1, verified: true })
    expect(String(body['token'])).toMatch(/^eyJ/)
    expect(headers['x-request-id']).toBe('order-7')
    const { body: audit } = await on.call('GET', '/v1/audit?event=TOKEN_GENERATED_SUCCESS', { key: keys.operator })
    expect(audit['data']).toEqual([expect.objectContaining({ correlationId: 'order-7', outcome: 'success' })])
  })

  it('names every fault of a request', async () => {
    const { status, body, headers } = await on.call('POST', '/v1/guests', { body: { scopes: ['x'], guestId: '7' } })
    expect(status).toBe(400)
    expect(headers['content-type']).toContain('application/problem+json')
    expect(body).toMatchObject({
      type: 'urn:guestpass:error:invalid_input',
      code: 'invalid_input',
      requestId: headers['x-request-id'],
      fields: [{ field: 'guestId' }, { field: 'scopes[0]' }],
    })
  })

  it.each([
    ['', 400],
    ['[]', 400],
    ['{"scopes":', 400],
    ['null', 400],
    ['{"__proto__":{}}', 400],
    [`{"a":${'['.repeat(5_000)}${']'.repeat(5_000)}}`, 400],
    [JSON.stringify({ name: 'x'.repeat(70_000) }), 413],
  ])('refuses the body %.20s', async (payload, status) => {
    const answer = await on.call('POST', '/v1/guests', { payload, headers: { 'idempotency-key': 'bodies' } })
    expect(answer.status).toBe(status)
    expect(answer.headers['content-type']).toContain('problem+json')
  })

  it('refuses a body that is not JSON', async () => {
    const headers = { 'content-type': 'application/x-www-form-urlencoded' }
    const { status, body } = await on.call('POST', '/v1/guests', { payload: 'a=1', headers })
    expect([status, body['code']]).toEqual([415, 'media_type_unsupported'])
  })
})

describe('Idempotency-Key', () => {
  const upstreamMints = () => on.upstream.journal().filter(({ path }) => path.endsWith('/generate-token')).length

  it('gives a repeat the same answer, without a call of the upstream', async () => {
    const key = { 'idempotency-key': 'same-answer' }
    const first = await issue(key)
    const before = upstreamMints()
    await on.call('POST', `/v1/guests/${String(first.body['guestId'])}/refresh`)
    const again = await issue(key)
    expect(again.status).toBe(201)
    expect(again.text).toBe(first.text)
    expect(upstreamMints()).toBe(before)
  })

  it('belongs to the caller', async () => {
    const key = { 'idempotency-key': 'of-two-callers' }
    const first = await issue(key)
    const other = await on.call('POST', '/v1/guests', { key: keys.other, body: { scopes: SCOPES }, headers: key })
    expect(other.status).toBe(201)
    expect(other.body['guestId']).not.toBe(first.body['guestId'])
  })

  it('refuses another body', async () => {
    const key = { 'idempotency-key': 'another-body' }
    await issue(key)
    const { status, body } = await issue(key, { duration: 60 })
    expect([status, body['code']]).toEqual([422, 'idempotency_key_reused'])
  })

  it('refuses a repeat while the first request runs', async () => {
    const key = { 'idempotency-key': 'in-flight' }
    on.upstream.script([{ on: 'mint', do: { delayMs: 300 }, times: 1 }])
    const before = upstreamMints()
    const both = await Promise.all([issue(key), issue(key)])
    expect(new Set(both.map(({ status }) => status))).toEqual(new Set([201, 409]))
    const refused = both.find(({ status }) => status === 409)
    expect(refused?.body).toMatchObject({ code: 'request_in_progress', retryable: true })
    expect(refused?.headers['retry-after']).toBe('1')
    const answered = both.find(({ status }) => status === 201)
    expect((await issue(key)).text).toBe(answered?.text)
    expect(upstreamMints()).toBe(before + 1)
  })

  it('forgets a request that failed', async () => {
    const key = { 'idempotency-key': 'failed' }
    on.upstream.script([{ on: 'mint', do: { status: 400 }, times: 1 }])
    expect((await issue(key)).status).toBe(502)
    expect((await issue(key)).status).toBe(201)
  })

  it.each(['revoke', 'erase'])('answers 410 after %s', async (end) => {
    const key = { 'idempotency-key': `ended-by-${end}` }
    const url = `/v1/guests/${String((await issue(key)).body['guestId'])}`
    const ended = end === 'revoke' ? await on.call('POST', `${url}/revoke`) : await on.call('DELETE', url)
    expect(ended.status).toBe(200)
    const { status, body } = await issue(key)
    expect([status, body['code']]).toEqual([410, 'guest_revoked'])
  })

  it('removes the stored answer of a guest that is erased', async () => {
    const stored = () => on.service.connections.first.runtime.store.countDocuments('default', ANSWERS)
    const before = await stored()
    const { body } = await issue({ 'idempotency-key': 'erased' })
    expect(await stored()).toBe(before + 1)
    await on.call('DELETE', `/v1/guests/${String(body['guestId'])}`)
    expect(await stored()).toBe(before)
  })
})

const ANSWERS = { kind: 'idempotent-answer', most: 1_000 }

describe('the guests of a key', () => {
  it('are not found by another issuer, and are by an operator', async () => {
    const url = `/v1/guests/${String((await issue()).body['guestId'])}`
    const calls = [
      ['GET', url],
      ['POST', `${url}/token`],
      ['POST', `${url}/refresh`],
      ['POST', `${url}/revoke`],
      ['DELETE', url],
    ] as const
    for (const [method, path] of calls) {
      const { status, body } = await on.call(method, path, { key: keys.other })
      expect([path, status, body['code']]).toEqual([path, 404, 'guest_unknown'])
    }
    expect((await on.call('GET', url, { key: keys.operator })).status).toBe(200)
    expect((await on.call('POST', `${url}/token`)).status).toBe(200)
  })

  it('cannot be issued again by another issuer', async () => {
    const { body } = await issue()
    const again = { key: keys.other, body: { scopes: SCOPES, guestId: body['guestId'] } }
    expect((await on.call('POST', '/v1/guests', again)).status).toBe(404)
    const show = await on.call('GET', `/v1/guests/${String(body['guestId'])}`)
    expect(show.body['generation']).toBe(1)
  })

  it('are listed alone, a page at a time', async () => {
    for (let nth = 0; nth < 3; nth += 1)
      await on.call('POST', '/v1/guests', { key: keys.other, body: { scopes: SCOPES } })
    const seen: unknown[] = []
    for (let cursor = ''; ; ) {
      const { body } = await on.call('GET', `/v1/guests?limit=2${cursor}`, { key: keys.other })
      const { data, pagination } = body as {
        data: readonly { readonly owner: string }[]
        pagination: { readonly cursor: string | null; readonly hasMore: boolean }
      }
      seen.push(...data.map(({ owner }) => owner))
      expect(pagination.hasMore).toBe(pagination.cursor !== null)
      if (pagination.cursor === null) break
      cursor = `&cursor=${encodeURIComponent(pagination.cursor)}`
    }
    expect(new Set(seen).size).toBe(1)
    expect(seen.length).toBeGreaterThanOrEqual(4)
  })
})
