import { describe, expect, it } from 'vitest'
import { basic, claims, clientOf, START, startSandbox, verifiedClaims } from '../genesys-client.ts'
import {
  authorize,
  CALLBACK,
  codeFor,
  exchange,
  refreshSignIn,
  refusal,
  tokensOf,
  accessTokenStatus,
} from '../user-client.ts'

const auto = { autoConsent: true }

describe('a code', () => {
  it('is exchanged for the tokens of the user who signed in', async () => {
    const sandbox = await startSandbox(auto)
    const reply = await exchange(sandbox, await codeFor(sandbox))
    expect(reply.status).toBe(200)
    expect(reply.headers.get('cache-control')).toBe('no-store')
    expect(reply.json).toEqual({
      access_token: expect.any(String),
      token_type: 'bearer',
      expires_in: 3600,
      refresh_token: expect.stringMatching(/^sandbox-secret-[\w-]{43}$/),
      scope: 'user:read guest:read',
    })
    expect(await verifiedClaims(sandbox, reply.json['access_token'])).toMatchObject({
      iss: sandbox.url,
      sub: sandbox.users[0]?.id,
      client_id: sandbox.publicClientId,
      scope: 'user:read guest:read',
      exp: START / 1000 + 3600,
    })
  })

  it('is for the user who consents', async () => {
    const users = [
      { name: 'First', email: 'first@example.test' },
      { id: 'u-2', name: 'Second', email: 's@example.test' },
    ]
    const sandbox = await startSandbox({ users })
    sandbox.consent({ auto: true, user: 'u-2' })
    const reply = await exchange(sandbox, await codeFor(sandbox))
    expect(claims(reply.json['access_token'])['sub']).toBe('u-2')
  })

  it('gives an ID token with the nonce and the claims of the scopes, if openid is among them', async () => {
    const users = [{ id: 'u-1', name: 'Ada van Dyk', email: 'ada@example.test' }]
    const sandbox = await startSandbox({ ...auto, users })
    const idToken = async (scope: string, nonce: string) =>
      (await exchange(sandbox, await codeFor(sandbox, { scope, nonce }))).json['id_token']
    expect(await verifiedClaims(sandbox, await idToken('openid profile email', 'n-0'))).toEqual({
      iss: sandbox.url,
      sub: 'u-1',
      aud: sandbox.publicClientId,
      org: expect.any(String),
      iat: START / 1000,
      exp: START / 1000 + 3600,
      auth_time: START / 1000,
      at_hash: expect.stringMatching(/^[\w-]{22}$/),
      nonce: 'n-0',
      name: 'Ada van Dyk',
      given_name: 'Ada',
      family_name: 'van Dyk',
      email: 'ada@example.test',
      email_verified: true,
    })
    expect(Object.keys(claims(await idToken('openid', ''))).sort()).toEqual([
      'at_hash',
      'aud',
      'auth_time',
      'exp',
      'iat',
      'iss',
      'org',
      'sub',
    ])
    expect(await idToken('user:read', 'n-0')).toBeUndefined()
  })

  it('gives opaque access tokens with accessTokenFormat opaque', async () => {
    const sandbox = await startSandbox({ ...auto, accessTokenFormat: 'opaque' })
    const { access } = tokensOf(await exchange(sandbox, await codeFor(sandbox)))
    expect(access).toMatch(/^sandbox-secret-[\w-]{86}$/)
    expect(await accessTokenStatus(sandbox, access)).toBe(200)
  })

  it.each([
    ['Basic', (id: string, secret: string) => [{ client_id: '' }, { authorization: basic(id, secret) }] as const],
    ['the form', (id: string, secret: string) => [{ client_id: id, client_secret: secret }, {}] as const],
  ])('is exchanged by a client with a secret in %s, with or without PKCE', async (_, proof) => {
    const sandbox = await startSandbox(auto)
    const { id, secret } = clientOf(sandbox)
    const [form, headers] = proof(id, secret)
    const with_ = await exchange(sandbox, await codeFor(sandbox, { client_id: id }), form, headers)
    const plain = { client_id: id, code_challenge: '', code_challenge_method: '' }
    const without = await exchange(sandbox, await codeFor(sandbox, plain), { ...form, code_verifier: '' }, headers)
    expect([with_.status, without.status]).toEqual([200, 200])
    const token = tokensOf(without).refresh
    expect((await refreshSignIn(sandbox, token, form, headers)).status).toBe(200)
  })

  it('is refused to a client with a secret that does not authenticate', async () => {
    const sandbox = await startSandbox(auto)
    const { id } = clientOf(sandbox)
    const code = await codeFor(sandbox, { client_id: id })
    expect(refusal(await exchange(sandbox, code, { client_id: id }))).toEqual([401, 'invalid_client'])
  })

  it.each([
    ['another verifier', { code_verifier: 'b'.repeat(43) }, 'invalid_grant'],
    ['no verifier', { code_verifier: '' }, 'invalid_request'],
    ['another redirect address', { redirect_uri: `${CALLBACK}/` }, 'invalid_grant'],
    ['no redirect address', { redirect_uri: '' }, 'invalid_request'],
    ['no code', { code: '' }, 'invalid_request'],
    ['an unknown code', { code: 'unknown' }, 'invalid_grant'],
    ['another client', { client_id: 'other' }, 'invalid_grant'],
  ])('is refused with %s, and is still good for its owner', async (_, form, error) => {
    const sandbox = await startSandbox({ ...auto, clients: [{ id: 'other' }] })
    const code = await codeFor(sandbox)
    expect(refusal(await exchange(sandbox, code, form))).toEqual([400, error])
    expect((await exchange(sandbox, code)).status).toBe(200)
  })

  it('is refused with a verifier if no challenge was sent', async () => {
    const sandbox = await startSandbox(auto)
    const { id, secret } = clientOf(sandbox)
    const code = await codeFor(sandbox, { client_id: id, code_challenge: '', code_challenge_method: '' })
    const reply = await exchange(sandbox, code, { client_id: id, client_secret: secret })
    expect(refusal(reply)).toEqual([400, 'invalid_grant'])
  })

  it('expires at the end of its configured lifetime', async () => {
    const sandbox = await startSandbox({ ...auto, authorizationCodeSeconds: 90 })
    const [early, late] = [await codeFor(sandbox), await codeFor(sandbox)]
    sandbox.advance(89_999)
    expect((await exchange(sandbox, early)).status).toBe(200)
    sandbox.advance(1)
    expect(refusal(await exchange(sandbox, late))).toEqual([400, 'invalid_grant'])
  })

  it('that is presented twice ends its sign-in, also after a refresh', async () => {
    const sandbox = await startSandbox(auto)
    const code = await codeFor(sandbox)
    const first = tokensOf(await exchange(sandbox, code))
    const second = tokensOf(await refreshSignIn(sandbox, first.refresh))
    const bystander = tokensOf(await exchange(sandbox, await codeFor(sandbox)))
    expect(refusal(await exchange(sandbox, code))).toEqual([400, 'invalid_grant'])
    expect(sandbox.journal().at(-1)).toMatchObject({ grant: 'authorization_code', reuse: true, status: 400 })
    for (const { access } of [first, second]) expect(await accessTokenStatus(sandbox, access)).toBe(401)
    expect(refusal(await refreshSignIn(sandbox, second.refresh))).toEqual([400, 'invalid_grant'])
    expect(await accessTokenStatus(sandbox, bystander.access)).toBe(200)
  })

  it('that is presented twice at the same time is exchanged once', async () => {
    const sandbox = await startSandbox(auto)
    const code = await codeFor(sandbox)
    const replies = await Promise.all([1, 2, 3].map(() => exchange(sandbox, code)))
    expect(replies.map(({ status }) => status).toSorted((a, b) => a - b)).toEqual([200, 400, 400])
  })

  it('and its verifier are masked in the journal', async () => {
    const sandbox = await startSandbox(auto)
    const code = await codeFor(sandbox)
    const { json } = await exchange(sandbox, code)
    await authorize(sandbox, { code })
    const whole = JSON.stringify(sandbox.journal())
    for (const secret of [code, 'a-verifier-of-the-test', String(json['refresh_token'])]) {
      expect(whole).not.toContain(secret)
    }
  })
})
