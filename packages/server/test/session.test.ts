import { fakeClock } from '@guestpass/core/testing'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { createOneTimeCode } from '../src/session/one-time-code.ts'
import { createOwnOrigin } from '../src/session/own-origin.ts'
import { sessionCookie, sessionIn } from '../src/session/session-cookie.ts'
import { type Answer, keys, serviceForTests, type ServiceForTests } from './service-for-tests.ts'

let on: ServiceForTests
beforeAll(async () => {
  on = await serviceForTests()
})
afterAll(() => on.close())

const OWN = { origin: 'http://127.0.0.1' }
const cookieOf = ({ headers }: Answer): string => String(headers['set-cookie']).split(';')[0] ?? ''
const begin = (key: string) => on.call('POST', '/session', { key: null, body: { key } })

describe('the session of a browser', () => {
  it('has the roles of its key, and ends when it is asked to', async () => {
    const begun = await begin(keys.auditor)
    expect([begun.status, begun.body]).toEqual([201, expect.objectContaining({ roles: ['auditor'] })])
    expect(begun.headers['set-cookie']).toMatch(
      /^guestpass-session=default~[\w-]{43}; Path=\/; HttpOnly; SameSite=Strict$/,
    )
    const headers = { cookie: `other=1; ${cookieOf(begun)}` }
    const call = (method: string, url: string, more: object = {}) =>
      on.call(method, url, { key: null, headers: { ...headers, ...more } })
    expect((await call('GET', '/v1/audit')).status).toBe(200)
    expect((await call('GET', '/v1/api-keys')).status).toBe(403)
    expect((await call('GET', '/session')).body).toEqual(begun.body)
    expect((await call('DELETE', '/session')).status).toBe(403)
    const ended = await call('DELETE', '/session', OWN)
    expect([ended.status, ended.headers['set-cookie']]).toEqual([200, expect.stringMatching(/=; .*Max-Age=0/)])
    expect((await call('GET', '/v1/audit')).body).toMatchObject({ code: 'api_key_invalid', reason: 'session_ended' })
  })

  it('changes something only for a page of the service', async () => {
    const headers = { cookie: cookieOf(await begin(keys.operator)) }
    const add = (more: object) =>
      on.call('POST', '/v1/api-keys', {
        key: null,
        body: { name: 'x', roles: ['auditor'] },
        headers: { ...headers, ...more },
      })
    for (const [more, status] of [
      [{}, 403],
      [{ origin: 'https://evil.test' }, 403],
      [{ 'sec-fetch-site': 'same-site' }, 403],
      [{ 'sec-fetch-site': 'none' }, 403],
      [{ origin: 'http://127.0.0.1:1', 'sec-fetch-site': 'same-origin' }, 403],
      [{ 'sec-fetch-site': 'same-origin' }, 201],
      [{ ...OWN, 'sec-fetch-site': 'same-origin' }, 201],
      [OWN, 201],
    ] as const)
      expect([more, (await add(more)).status]).toEqual([more, status])
    const read = { key: null, headers: { ...headers, 'sec-fetch-site': 'same-site' } }
    expect((await on.call('GET', '/v1/api-keys', read)).body['code']).toBe('origin_refused')
  })

  it('ends with its key', async () => {
    const made = await on.call('POST', '/v1/api-keys', { key: keys.operator, body: { name: 'x', roles: ['auditor'] } })
    const headers = { cookie: cookieOf(await begin(String(made.body['key']))) }
    expect((await on.call('GET', '/v1/audit', { key: null, headers })).status).toBe(200)
    await on.call('DELETE', `/v1/api-keys/${String(made.body['id'])}`, { key: keys.operator })
    expect((await on.call('GET', '/v1/audit', { key: null, headers })).status).toBe(401)
  })

  it('is given to no wrong key, and to no page of another origin', async () => {
    expect((await begin('test-secret-unknown')).status).toBe(401)
    const of = { key: null, body: { key: keys.operator }, headers: { origin: 'https://evil.test' } }
    const refused = await on.call('POST', '/session', of)
    expect([refused.status, refused.headers['set-cookie']]).toEqual([403, undefined])
  })

  it('begins once by the address that the program prints', async () => {
    const path = on.service.signInPath?.reveal() ?? ''
    expect((await on.call('GET', '/session/wrong', { key: null })).status).toBe(400)
    const opened = await on.call('GET', path, { key: null })
    expect([opened.status, opened.headers['location']]).toEqual([303, '../'])
    const headers = { cookie: cookieOf(opened) }
    const { body } = await on.call('GET', '/v1/api-keys', { key: null, headers })
    expect(body['data']).toContainEqual(expect.objectContaining({ id: 'browser', configured: true }))
    expect((await on.call('GET', path, { key: null })).status).toBe(400)
    expect((await on.call('GET', '/', { key: null })).text).toContain('href="openapi.json"')
  })
})

it('a code in an address ends after 10 minutes', async () => {
  const clock = fakeClock()
  const code = createOneTimeCode(clock)
  await clock.advance(600_001)
  expect(code.take(code.text)).toBe(false)
})

describe('a service on https', () => {
  it('has a cookie that browsers take over https alone, and its own origin', () => {
    const origin = createOwnOrigin('https://guestpass.test/prefix')
    const isSecure = origin.isSecure({ protocol: 'http' })
    const cookie = { connection: 'default', secret: 'x'.repeat(43) }
    const written = sessionCookie(cookie, isSecure)
    expect(written).toMatch(/^__Host-guestpass-session=.*; Path=\/; HttpOnly; SameSite=Strict; Secure$/)
    expect(sessionIn(written.split(';')[0], true)).toEqual(cookie)
    expect(sessionIn(written.split(';')[0], false)).toBeUndefined()
    const request = (from: string) => ({ headers: { origin: from }, protocol: 'http' as const, host: 'inside:8080' })
    expect(() => origin.check(request('https://guestpass.test'), true)).not.toThrow()
    expect(() => origin.check(request('http://inside:8080'), true)).toThrow(/not from a page/)
  })
})
