import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { documentKind } from '@guestpass/core/runtime-kit'
import { sha256Hex } from '@guestpass/core/store-kit'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { digestOf } from '../src/auth/key-digest.ts'
import { keys, serviceForTests, type ServiceForTests } from './service-for-tests.ts'

const SCOPES = { scopes: ['webmessaging:guest:send'] }

const folder = mkdtempSync(join(tmpdir(), 'guestpass-instances-'))
let one: ServiceForTests
let other: ServiceForTests
beforeAll(async () => {
  const env = { GUESTPASS_DATABASE_URL: join(folder, 'store.db') }
  one = await serviceForTests({ env })
  // The same upstream, so that the mints of both are in one journal.
  other = await serviceForTests({ env: { ...env, ...one.upstream.env } })
})
afterAll(async () => {
  await Promise.all([one.close(), other.close()])
  rmSync(folder, { recursive: true, force: true })
})

const mints = () => one.upstream.journal().filter(({ path }) => path.endsWith('/generate-token')).length

describe('two instances on one database', () => {
  it('answer a repeated request alike, and send it upstream once', async () => {
    const call = { body: SCOPES, headers: { 'idempotency-key': 'of-two-instances' } }
    const before = mints()
    one.upstream.script([{ on: 'mint', do: { delayMs: 200 }, times: 1 }])
    const both = await Promise.all([one.call('POST', '/v1/guests', call), other.call('POST', '/v1/guests', call)])
    expect(new Set(both.map(({ status }) => status))).toEqual(new Set([201, 409]))
    const first = both.find(({ status }) => status === 201)
    for (const instance of [one, other])
      expect((await instance.call('POST', '/v1/guests', call)).text).toBe(first?.text)
    expect(mints()).toBe(before + 1)
  })

  it('refuse a key at once that the other one has revoked', async () => {
    const made = await one.call('POST', '/v1/api-keys', {
      key: keys.operator,
      body: { name: 'shared', roles: ['issuer'] },
    })
    const key = String(made.body['key'])
    expect((await other.call('GET', '/v1/guests', { key })).status).toBe(200)
    await one.call('DELETE', `/v1/api-keys/${String(made.body['id'])}`, { key: keys.operator })
    expect((await other.call('GET', '/v1/guests', { key })).status).toBe(401)
  })

  it('count the requests of a key together', async () => {
    const body = { name: 'slow', roles: ['issuer'], perMinute: 4 }
    const { body: made } = await one.call('POST', '/v1/api-keys', { key: keys.operator, body })
    const statuses: number[] = []
    for (const instance of [one, other, one, other, one, other])
      statuses.push((await instance.call('GET', '/v1/guests', { key: String(made['key']) })).status)
    expect(statuses).toEqual([200, 200, 200, 200, 429, 429])
  })
})

it('an instance that was paused for longer than its lease stores no second guest for a request', async () => {
  const { store } = one.service.connections.first.runtime
  const guests = async () => (await store.list('default', { kind: 'guest', limit: 1_000 })).credentials.length
  const before = await guests()
  const key = 'answered-elsewhere'
  one.upstream.script([{ on: 'mint', do: { delayMs: 300 }, times: 1 }])
  const started = mints()
  const answer = one.call('POST', '/v1/guests', { body: SCOPES, headers: { 'idempotency-key': key } })
  while (mints() === started) await new Promise((resolve) => setImmediate(resolve))
  const scope = `key:env-${digestOf(keys.issuer).slice(0, 12)}`
  const id = await sha256Hex(JSON.stringify([scope, key]))
  const written = { kind: documentKind.idempotentRequest, id, value: { digest: 'x', row: 'y', answer: 'z' } }
  await store.commit({ connection: 'default', documents: [{ ...written, expect: { revision: 0 } }] })
  expect((await answer).body).toMatchObject({ status: 409, code: 'request_in_progress' })
  expect(await guests()).toBe(before)
})
