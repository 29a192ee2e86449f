import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { serviceForTests, type ServiceForTests } from './service-for-tests.ts'

const OWN = 'test-secret-operator-of-default'
const ACME = 'test-secret-operator-of-acme'
const SCOPES = { scopes: ['webmessaging:guest:send'] }

const folder = mkdtempSync(join(tmpdir(), 'guestpass-service-'))
let on: ServiceForTests
beforeAll(async () => {
  on = await serviceForTests({
    connections: ['acme'],
    env: {
      GUESTPASS_DATABASE_URL: join(folder, 'store.db'),
      GUESTPASS_API_KEYS: `issuer:${OWN},operator:${OWN},issuer:acme:${ACME},operator:acme:${ACME},issuer:gone:test-secret-gone,auditor:gone:test-secret-abc`,
    },
  })
})
afterAll(async () => {
  await on.close()
  rmSync(folder, { recursive: true, force: true })
})

describe('a service of two connections on one database', () => {
  it('opens to each key its own connection alone', async () => {
    const issued = await on.call('POST', '/v1/guests', { key: ACME, body: SCOPES })
    expect(issued.status).toBe(201)
    const url = `/v1/guests/${String(issued.body['guestId'])}`
    expect((await on.call('GET', url, { key: ACME })).status).toBe(200)
    expect((await on.call('GET', url, { key: OWN })).body['code']).toBe('guest_unknown')
    const { body } = await on.call('GET', '/v1/connections', { key: ACME })
    expect(body['data']).toMatchObject([{ connection: 'acme' }])
    expect((await on.call('GET', '/v1/audit', { key: OWN })).text).not.toContain(String(issued.body['guestId']))
  })

  it('finds a key of the store in its connection', async () => {
    const body = { name: 'acme-shop', roles: ['issuer'] }
    const made = await on.call('POST', '/v1/api-keys', { key: ACME, body })
    const key = String(made.body['key'])
    expect((await on.call('POST', '/v1/guests', { key, body: SCOPES })).status).toBe(201)
    expect((await on.call('GET', '/v1/api-keys', { key: OWN })).body['data']).toMatchObject([{ configured: true }])
    const readiness = await on.call('GET', '/readyz', { key: null })
    expect(readiness.body['connections']).toMatchObject([{ connection: 'default' }, { connection: 'acme' }])
  })

  it('counts the work of each connection once, also for scrapes at the same time', async () => {
    const issued = /guestpass_operations_total\{connection="(?:acme|default)",operation="guest_token_issued"\} \d+/g
    await on.call('POST', '/v1/guests', { key: OWN, body: SCOPES })
    const scrape = async () => (await on.call('GET', '/metrics', { key: null })).text.match(issued)
    const alone = await scrape()
    expect(alone).toHaveLength(2)
    expect(await Promise.all([scrape(), scrape(), scrape()])).toEqual([alone, alone, alone])
  })

  it('warns of a key for a connection that it does not serve, and refuses it', async () => {
    expect(on.log.join('')).toContain('GUESTPASS_API_KEYS has a key for connection gone')
    expect((await on.call('GET', '/v1/guests', { key: 'test-secret-gone' })).status).toBe(401)
  })

  it('warns of a configured key that is short, and of no other', () => {
    const short = on.log.filter((line) => line.includes('fewer than 16 characters'))
    expect(short).toEqual([expect.stringMatching(/"level":"warning".*env-[\da-f]{12}.*can be guessed.*openssl rand/)])
    expect(short.join('')).not.toContain('test-secret-abc')
  })

  it('keeps no API key in its files', async () => {
    const made = await on.call('POST', '/v1/api-keys', { key: OWN, body: { name: 'kept', roles: ['issuer'] } })
    expect(made.status).toBe(201)
  })
})
