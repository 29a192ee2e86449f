import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import axios from 'axios'
import sdk from 'purecloud-platform-client-v2'
import { Agent, request } from 'undici'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { type Sandbox, sandbox } from '@guestpass/sandbox'
import type { Guestpass } from '../../src/front-door/index.ts'
import { type PlainUpstream, plainUpstream } from '../upstream/plain-upstream.ts'
import { programs } from './programs.ts'

const redirectUri = 'http://127.0.0.1/callback'
const SEND = { scopes: ['webmessaging:guest:send'] }

let upstream: PlainUpstream
let genesys: Sandbox

beforeAll(async () => {
  upstream = await plainUpstream()
  genesys = await sandbox()
})
afterAll(() => Promise.all([upstream.close(), genesys.close()]))

const program = programs(() => ({ env: upstream.env, store: 'memory' }))

describe('a call', () => {
  it.each([
    ['null', null, 'context'],
    ['a text', 'me', 'context'],
    ['an unknown member', { patience: 5_000 }, 'context.patience'],
    ['an actor that is a number', { actor: 5 }, 'context.actor'],
    ['no patience', { patienceMs: 0 }, 'context.patienceMs'],
    ['patience that is no number', { patienceMs: '5s' }, 'context.patienceMs'],
    ['a signal that is none', { signal: {} }, 'context.signal'],
    ['a listener that is none', { onReady: 'yes' }, 'context.onReady'],
  ])('refuses a context that is wrong, and sends nothing: %s', async (_case, context, field) => {
    const gp = await program()
    const before = upstream.met.length
    const calls = [
      () => gp.guests.issue(SEND, context as never),
      () => gp.guests.list({}, context as never),
      () => gp.accessToken({}, context as never),
      () => gp.report({}, context as never),
    ]
    for (const call of calls) await expect(call()).rejects.toMatchObject({ code: 'invalid_input', fields: [{ field }] })
    expect(upstream.met.length).toBe(before)
  })

  it.each([
    ['verify a number', (gp: Guestpass) => gp.verify(5 as never), 'token'],
    ['verify with an unknown member', (gp: Guestpass) => gp.verify('x', { scope: ['a'] } as never), 'scope'],
    ['verify with scopes as text', (gp: Guestpass) => gp.verify('x', { scopes: 'a' } as never), 'scopes'],
    ['verify with null', (gp: Guestpass) => gp.verify('x', null as never), 'expectations'],
    ['the token of an unknown API', (gp: Guestpass) => gp.accessToken({ for: 'engagement' } as never), 'for'],
    ['the token of API and scopes', (gp: Guestpass) => gp.accessToken({ for: 'engagements', scopes: ['a'] }), 'scopes'],
    ['the token of no scopes', (gp: Guestpass) => gp.accessToken({ scopes: [] }), 'scopes'],
    ['the token of null', (gp: Guestpass) => gp.accessToken(null as never), 'request'],
    ['a refresh with a text', (gp: Guestpass) => gp.guests.refresh('g', 'token' as never), 'options'],
    ['a list of too many', (gp: Guestpass) => gp.guests.list({ limit: 5_000 }), 'filter.limit'],
    ['a list by an unknown member', (gp: Guestpass) => gp.guests.list({ status: 'x' } as never), 'filter.status'],
    ['a list by null', (gp: Guestpass) => gp.guests.list(null as never), 'filter'],
    [
      'a list by a status that is none',
      (gp: Guestpass) => gp.guests.list({ status: 'actve' } as never),
      'filter.status',
    ],
    ['a list by an API that is none', (gp: Guestpass) => gp.guests.list({ api: 'engagement' } as never), 'filter.api'],
    ['a report from another member', (gp: Guestpass) => gp.report({ from: 0 } as never), 'from'],
    ['a report that is a number', (gp: Guestpass) => gp.report(5 as never), 'options'],
    ['a report since a text', (gp: Guestpass) => gp.report({ since: 'yesterday' as never }), 'since'],
    ['a sign-in that comes back nowhere', (gp: Guestpass) => gp.signIn.begin(), 'redirectUri'],
    [
      'a sign-in with scopes as text',
      (gp: Guestpass) => gp.signIn.begin({ redirectUri, scopes: 'a b' } as never),
      'scopes',
    ],
    [
      'a sign-in with another member',
      (gp: Guestpass) => gp.signIn.begin({ redirectUri, scope: ['a'] } as never),
      'scope',
    ],
    ['a callback that is none', (gp: Guestpass) => gp.signIn.complete(5 as never), 'callback'],
    ['a device sign-in of nothing', (gp: Guestpass) => gp.deviceSignIn.run(undefined as never), 'show'],
    ['a device sign-in that shows nothing', (gp: Guestpass) => gp.deviceSignIn.run({} as never), 'show'],
  ])('refuses arguments that are wrong: %s', async (_case, call, field) => {
    await expect(call(await program())).rejects.toMatchObject({ code: 'invalid_input', fields: [{ field }] })
  })

  it.each([undefined, null, 5, 'x', []])('refuses a request for a guest that is none: %s', async (wanted) => {
    const gp = await program()
    await expect(gp.guests.issue(wanted as never)).rejects.toMatchObject({ code: 'invalid_input' })
    await expect(gp.guests.token(wanted as never)).rejects.toMatchObject({
      code: expect.stringMatching(/^invalid_input|guest_unknown$/),
    })
    await expect(gp.guests.find(wanted as never)).rejects.toMatchObject({ code: 'invalid_input' })
    await expect(gp.guests.erase(request as never)).rejects.toMatchObject({
      code: expect.stringMatching(/^invalid_input|guest_unknown$/),
    })
  })

  it('ends with the signal or the patience of its caller', async () => {
    const hanging = createServer(() => {})
    await new Promise<void>((resolve) => hanging.listen(0, '127.0.0.1', resolve))
    const baseUrl = `http://127.0.0.1:${(hanging.address() as AddressInfo).port}`
    try {
      const gp = await program({ env: {}, baseUrl, clientId: 'c', clientSecret: 's' })
      await expect(gp.accessToken({}, { patienceMs: 20 })).rejects.toMatchObject({ code: 'deadline_exceeded' })
      const signal = AbortSignal.timeout(20)
      await expect(gp.accessToken({}, { signal })).rejects.toMatchObject({ name: 'TimeoutError' })
      const impatient = await program({
        env: { GENESYS_CLIENT_ID: 'c', GENESYS_BASE_URL: baseUrl },
        patienceSeconds: 1,
      })
      await expect(impatient.accessToken()).rejects.toMatchObject({ code: 'deadline_exceeded' })
    } finally {
      hanging.closeAllConnections()
      hanging.close()
    }
  })
})

describe('an error of a call', () => {
  const wrong = { clientId: 'plain-client', clientSecret: 'another-secret' }

  it('names settings as the program gave them', async () => {
    const gp = await program({ env: {}, baseUrl: upstream.url, ...wrong })
    const error = await gp.accessToken().catch((thrown: unknown) => thrown)
    expect(error).toMatchObject({
      code: 'client_rejected',
      message: expect.stringContaining('Check clientId and clientSecret'),
    })
    expect((error as Error).stack).toContain('Check clientId and clientSecret')
    const there = await program({ env: {}, region: 'mypurecloud.ie', ...wrong })
    await expect(there.guests.issue(SEND)).rejects.toMatchObject({
      code: 'api_not_public',
      message: expect.stringMatching(/gateway with apiBaseUrl, or set gateway: true/),
    })
  })

  it('names them as variables where the environment gave them', async () => {
    const gp = await program({ env: { ...upstream.env, GENESYS_CLIENT_SECRET: 'another-secret' } })
    await expect(gp.accessToken()).rejects.toMatchObject({
      message: expect.stringContaining('Check GENESYS_CLIENT_ID and GENESYS_CLIENT_SECRET'),
    })
  })

  it('says how a program signs in again', async () => {
    const gp = await program()
    await expect(gp.signOut()).rejects.toMatchObject({
      code: 'needs_reauth',
      message: expect.stringContaining('signIn.begin'),
    })
  })
})

describe('close()', () => {
  it('waits for a call under way, which gets its answer, and refuses those that come after', async () => {
    const gp = await program()
    const issuing = gp.guests.issue(SEND)
    const closing = gp.close()
    await expect(gp.guests.list()).rejects.toMatchObject({
      code: 'store_unavailable',
      message: expect.stringContaining('guestpass()'),
    })
    await expect(gp.fetch('/x')).rejects.toMatchObject({ code: 'store_unavailable' })
    expect(await issuing).toMatchObject({ generation: 1 })
    await closing
    await gp.close()
  })

  it('of one leaves the store open to the others on it', async () => {
    const [one, other] = await Promise.all([
      program(),
      program({ connection: 'acme', baseUrl: upstream.url, clientId: 'x' }),
    ])
    await one.close()
    expect((await other.guests.list()).guests).toEqual([])
  })
})

describe('an HTTP client', () => {
  const me = (): string => `${genesys.env['GENESYS_API_BASE_URL']}/api/v2/tokens/me`

  it('carries the access token: fetch, by path or address', async () => {
    const gp = await program({ env: { ...genesys.env } })
    expect((await gp.fetch('/api/v2/tokens/me')).status).toBe(200)
    expect((await gp.fetch(me())).status).toBe(200)
    await expect(gp.fetch('https://elsewhere.example/')).rejects.toMatchObject({ code: 'invalid_input' })
    await expect(gp.fetch('api/v2/tokens/me')).rejects.toMatchObject({
      code: 'invalid_input',
      fields: [{ field: 'input', remedy: "Begin a path with /, as '/api/v2/tokens/me'." }],
    })
  })

  it('carries the access token: the official SDK, again after it was ended', async () => {
    const gp = await program({ env: { ...genesys.env } })
    const client = sdk.ApiClient.instance
    const { hostname, port } = new URL(me())
    client.setGateway({ host: hostname, port: Number(port), protocol: 'http' })
    const off = gp.sdk(client)
    await gp.fetch('/api/v2/tokens/me', { method: 'DELETE' })
    expect(await new sdk.TokensApi().getTokensMe()).toMatchObject({ organization: { id: expect.any(String) } })
    off()
    client.setAccessToken('')
    await expect(new sdk.TokensApi().getTokensMe()).rejects.toMatchObject({ status: 401 })
  })

  it('carries the access token: axios and undici', async () => {
    const gp = await program({ env: { ...genesys.env } })
    const instance = axios.create()
    const off = gp.axios(instance)
    expect((await instance.get(me())).status).toBe(200)
    off()
    expect((await instance.get(me(), { validateStatus: null })).status).toBe(401)
    const agent = new Agent()
    expect((await request(me(), { dispatcher: gp.undici(agent) })).statusCode).toBe(200)
    await agent.close()
    const refused = expect.objectContaining({ code: 'invalid_input' })
    for (const none of [null, 5, {}]) expect(() => gp.undici(none as never)).toThrow(refused)
  })
})
