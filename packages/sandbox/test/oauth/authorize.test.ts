import { describe, expect, it } from 'vitest'
import { control, send, startSandbox } from '../genesys-client.ts'
import { authorize, authorizePath, CALLBACK, redirectOf, type Parameters } from '../user-client.ts'

const auto = { autoConsent: true }

describe('the authorize endpoint', () => {
  it('redirects at once with a code and the state, with autoConsent', async () => {
    const sandbox = await startSandbox(auto)
    const { address, query } = redirectOf(await authorize(sandbox))
    expect(address).toBe(CALLBACK)
    expect(query).toEqual({ code: expect.stringMatching(/^sandbox-secret-[\w-]{43}$/), state: 'st & te' })
  })

  it('answers under its alias, keeps the query of the redirect URI, and adds no state that was not sent', async () => {
    const sandbox = await startSandbox(auto)
    const redirect = `${CALLBACK}?tenant=a%20b`
    const path = `/api/v2/oauth/authorize?response_type=code&client_id=${sandbox.publicClientId}&redirect_uri=${encodeURIComponent(redirect)}&code_challenge=${'a'.repeat(43)}&code_challenge_method=S256`
    const { headers } = await send(sandbox, path, { redirect: 'manual' })
    expect(headers.get('location')).toMatch(
      /^http:\/\/127\.0\.0\.1:49152\/callback\?tenant=a%20b&code=sandbox-secret-[\w-]{43}&iss=http[\w%.]+$/,
    )
  })

  it('names its issuer with a code and with a refusal', async () => {
    const sandbox = await startSandbox(auto)
    for (const parameters of [{}, { scope: 'user:fly' }]) {
      const { headers } = await authorize(sandbox, parameters)
      expect(new URL(headers.get('location') ?? '').searchParams.get('iss')).toBe(sandbox.url)
    }
  })

  it.each([
    ['an unknown client', { client_id: 'unknown' }],
    ['no client', { client_id: '' }],
    ['no redirect address', { redirect_uri: '' }],
    ['an address of another application', { redirect_uri: 'https://evil.test/callback' }],
    ['an address that hides its host behind a user name', { redirect_uri: 'http://127.0.0.1:80@evil.test/' }],
    ['an address with a user name', { redirect_uri: 'http://user@127.0.0.1/callback' }],
    ['an address with a fragment', { redirect_uri: `${CALLBACK}#here` }],
    ['loopback by another scheme', { redirect_uri: 'https://127.0.0.1/callback' }],
    ['a script', { redirect_uri: 'javascript:alert(1)' }],
    ['an address with a line break', { redirect_uri: `${CALLBACK}\r\nset-cookie: a=b` }],
    ['an address that a header cannot hold', { redirect_uri: `${CALLBACK}/ünï` }],
    ['no address at all', { redirect_uri: '/callback' }],
  ])('shows a page and redirects nowhere for %s', async (_, parameters) => {
    const sandbox = await startSandbox(auto)
    const reply = await authorize(sandbox, parameters)
    expect([reply.status, reply.headers.get('location')]).toEqual([400, null])
    expect(reply.headers.get('content-type')).toBe('text/html; charset=utf-8')
    expect(reply.text).toMatch(/role="alert"/)
    expect(reply.text).not.toMatch(/<script|href=/)
  })

  it.each<[string, Parameters, string]>([
    ['no response type', { response_type: '' }, 'invalid_request'],
    ['the implicit grant', { response_type: 'token' }, 'unsupported_response_type'],
    ['another response mode', { response_mode: 'fragment' }, 'invalid_request'],
    ['a scope that does not exist', { scope: 'user:read user:fly' }, 'invalid_scope'],
    ['a public client without PKCE', { code_challenge: '', code_challenge_method: '' }, 'invalid_request'],
    ['the plain method', { code_challenge_method: 'plain' }, 'invalid_request'],
    ['no method, which means plain', { code_challenge_method: '' }, 'invalid_request'],
    ['a challenge that is no SHA-256', { code_challenge: 'short' }, 'invalid_request'],
    ['an unknown prompt', { prompt: 'dance' }, 'invalid_request'],
    ['prompt=none with company', { prompt: 'none login' }, 'invalid_request'],
  ])('redirects to the application with the error for %s', async (_, parameters, error) => {
    const sandbox = await startSandbox(auto)
    const { address, query } = redirectOf(await authorize(sandbox, parameters))
    expect(address).toBe(CALLBACK)
    expect(query).toEqual({ error, error_description: expect.stringMatching(/\w/), state: 'st & te' })
  })

  it('refuses a repeated parameter, with a redirect only if the redirect URI is valid', async () => {
    const sandbox = await startSandbox(auto)
    const twice = await send(sandbox, `${authorizePath(sandbox)}&scope=guest:write`, { redirect: 'manual' })
    expect(redirectOf(twice).query).toMatchObject({
      error: 'invalid_request',
      error_description: 'scope is given more than once',
    })
    const uncertain = await send(sandbox, `${authorizePath(sandbox)}&redirect_uri=http://localhost/`, {
      redirect: 'manual',
    })
    expect([uncertain.status, uncertain.headers.get('location')]).toEqual([400, null])
  })

  it('does not require PKCE of a client with a secret, as the platform', async () => {
    const sandbox = await startSandbox({ ...auto, clientId: 'app' })
    const without = { client_id: 'app', code_challenge: '', code_challenge_method: '' }
    expect(redirectOf(await authorize(sandbox, without)).query['code']).toBeDefined()
  })

  it('treats a parameter without a value as absent', async () => {
    const sandbox = await startSandbox(auto)
    const path = `${authorizePath(sandbox, { state: '' })}&state=&prompt=&nonce=`
    const { query } = redirectOf(await send(sandbox, path, { redirect: 'manual' }))
    expect(Object.keys(query)).toEqual(['code'])
  })

  it('refuses prompt=none with interaction_required, unless it consents by itself', async () => {
    const sandbox = await startSandbox()
    const { query } = redirectOf(await authorize(sandbox, { prompt: 'none' }))
    expect(query).toMatchObject({ error: 'interaction_required', state: 'st & te' })
    sandbox.consent({ auto: true })
    expect(redirectOf(await authorize(sandbox, { prompt: 'none' })).query['code']).toBeDefined()
  })
})

describe('redirect addresses', () => {
  it.each([
    'http://localhost:3000/',
    'http://127.0.0.1/deep/path?with=query',
    'http://[::1]:5000/callback',
    'https://app.test/callback',
    'com.example.app:/callback',
  ])(
    'of the clients that every sandbox has include any of this machine and those of the options: %s',
    async (redirect_uri) => {
      const redirectUris = ['https://app.test/callback', 'com.example.app:/callback']
      const sandbox = await startSandbox({ ...auto, redirectUris })
      const reply = await authorize(sandbox, { redirect_uri })
      expect(reply.headers.get('location')?.startsWith(redirect_uri)).toBe(true)
    },
  )

  it('of a client with its own list are only these, on loopback with any port', async () => {
    const clients = [{ id: 'narrow', redirectUris: ['http://127.0.0.1/callback', 'https://app.test:444/callback'] }]
    const sandbox = await startSandbox({ ...auto, clients })
    const status = async (redirect_uri: string) =>
      (await authorize(sandbox, { client_id: 'narrow', redirect_uri })).status
    expect(await status('http://127.0.0.1:51000/callback')).toBe(302)
    expect(await status('https://app.test:444/callback')).toBe(302)
    for (const other of [
      'http://127.0.0.1:51000/other',
      'http://localhost:51000/callback',
      'https://app.test:445/callback',
      'https://app.test:444/callback?more',
    ]) {
      expect(await status(other), other).toBe(400)
    }
  })

  it.each(['callback', 'https://app.test/#here', 'javascript:alert(1)', 'https://user@app.test/'])(
    'that cannot be are refused with the options: %s',
    async (uri) => {
      await expect(startSandbox({ redirectUris: [uri] })).rejects.toThrow(/redirectUris\.0: an absolute address/)
      await expect(startSandbox({ clients: [{ id: 'a', redirectUris: [uri] }] })).rejects.toThrow(
        /clients\.0\.redirectUris\.0/,
      )
    },
  )
})

it.each([
  [{ users: [] }, /users\.0/],
  [{ users: [{ name: 'Ada', email: 'no address' }] }, /users\.0\.email/],
  [
    {
      users: [
        { id: 'u', name: 'Ada', email: 'a@example.test' },
        { id: 'u', name: 'Bo', email: 'b@example.test' },
      ],
    },
    /users: two users have the same id/,
  ],
  [{ authorizationCodeSeconds: 601 }, /authorizationCodeSeconds/],
  [{ graceSeconds: -1 }, /graceSeconds/],
])('rejects sign-in options that are out of range: %j', async (options, message) => {
  await expect(startSandbox(options)).rejects.toThrow(message)
})

describe('consent without a page', () => {
  it('is set by a control route and by code', async () => {
    const sandbox = await startSandbox()
    expect((await control(sandbox, 'consent', { auto: true, deny: true })).json).toEqual({ auto: true, deny: true })
    expect(redirectOf(await authorize(sandbox)).query).toMatchObject({ error: 'access_denied', state: 'st & te' })
    sandbox.consent({ auto: false })
    expect((await send(sandbox, '/__sandbox/consent')).json).toEqual({ auto: false })
    expect((await authorize(sandbox)).status).toBe(200)
  })

  it.each([
    {},
    { auto: 'yes' },
    { auto: true, deny: false },
    { auto: true, user: 'unknown' },
    { auto: true, users: 1 },
  ])('is not steered by %j', async (body) => {
    const sandbox = await startSandbox()
    expect((await control(sandbox, 'consent', body)).status).toBe(400)
    expect(() => sandbox.consent(body as { auto: boolean })).toThrow(/^The choice is not valid: /)
    expect((await authorize(sandbox)).status).toBe(200)
  })
})
