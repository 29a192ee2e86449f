import { describe, expect, it } from 'vitest'
import {
  accessToken,
  askToken,
  basic,
  claims,
  clientOf,
  send,
  START,
  startSandbox,
  verifiedClaims,
} from '../genesys-client.ts'

const BOTH = 'webmessaging:guest:create webmessaging:guesttoken:write'

describe('an access token for client credentials', () => {
  it('is an RS256 JWT that the published keys verify, with the claims of the contract', async () => {
    const sandbox = await startSandbox({ algorithm: 'RS256', organization: 'Acme' })
    const reply = await askToken(sandbox, { scope: BOTH })
    expect(reply.json).toMatchObject({ token_type: 'bearer', expires_in: 3600, scope: BOTH })
    expect(await verifiedClaims(sandbox, reply.json['access_token'])).toEqual({
      iss: sandbox.url,
      sub: clientOf(sandbox).id,
      client_id: clientOf(sandbox).id,
      org: expect.stringMatching(/^[0-9a-f-]{36}$/),
      scope: BOTH,
      iat: START / 1000,
      exp: START / 1000 + 3600,
      jti: expect.stringMatching(/^[0-9a-f-]{36}$/),
    })
  })

  it('differs at each request', async () => {
    const sandbox = await startSandbox()
    expect(await accessToken(sandbox)).not.toBe(await accessToken(sandbox))
  })

  it('expires at the end of its configured lifetime', async () => {
    const sandbox = await startSandbox({ accessTokenSeconds: 300 })
    const headers = { authorization: `Bearer ${await accessToken(sandbox)}` }
    sandbox.advance(299_999)
    expect((await send(sandbox, '/api/v2/tokens/me', { headers })).status).toBe(200)
    sandbox.advance(1)
    const late = await send(sandbox, '/api/v2/tokens/me', { headers })
    expect(late.status).toBe(401)
    expect(late.json['code']).toBe('bad.credentials')
  })

  it('can be opaque, as on the public platform', async () => {
    const sandbox = await startSandbox({ accessTokenFormat: 'opaque' })
    const token = await accessToken(sandbox)
    expect(token).toMatch(/^sandbox-secret-[\w-]{86}$/)
    const me = await send(sandbox, '/api/v2/tokens/me', { headers: { authorization: `Bearer ${token}` } })
    expect(me.status).toBe(200)
  })

  it('has every scope of the client when none is requested', async () => {
    const sandbox = await startSandbox({ scopes: ['guest:read', 'guest:write'] })
    expect((await askToken(sandbox)).json['scope']).toBe('guest:read guest:write')
  })

  it('has a scope once that was requested twice', async () => {
    const sandbox = await startSandbox()
    expect((await askToken(sandbox, { scope: 'guest:read  guest:read' })).json['scope']).toBe('guest:read')
  })

  it('is refused for a known scope that the client may not request', async () => {
    const sandbox = await startSandbox({ clients: [{ id: 'narrow', secret: 's3', scopes: ['guest:read'] }] })
    const reply = await askToken(sandbox, { scope: 'guest:read guest:write' }, { authorization: basic('narrow', 's3') })
    expect(reply.status).toBe(400)
    expect(reply.json['error']).toBe('invalid_scope')
    expect(reply.json['error_description']).toMatch(/: guest:write$/)
  })

  it('has cache-control no-store', async () => {
    const sandbox = await startSandbox()
    expect((await askToken(sandbox)).headers.get('cache-control')).toBe('no-store')
    expect((await askToken(sandbox, {}, {})).headers.get('cache-control')).toBe('no-store')
  })
})

describe('client authentication', () => {
  it('accepts Basic with raw or form-encoded parts, in any case of the scheme', async () => {
    const secret = 'a+b/c%=ü:d'
    const sandbox = await startSandbox({ clientId: 'id with blank', clientSecret: secret })
    const encoded = basic('id+with+blank', encodeURIComponent(secret))
    for (const authorization of [basic('id with blank', secret), encoded, encoded.replace('Basic', 'bAsIc')]) {
      expect((await askToken(sandbox, {}, { authorization })).status).toBe(200)
    }
  })

  it.each([
    ['a wrong secret in Basic', { authorization: basic('app', 'wrong') }, {}],
    ['an unknown client', { authorization: basic('unknown', 'right') }, {}],
    ['Basic that is no base64 of a pair', { authorization: 'Basic ???' }, {}],
    ['another scheme', { authorization: 'Bearer right' }, {}],
    ['a wrong secret in the form', {}, { client_id: 'app', client_secret: 'wrong' }],
    ['a client with a secret that does not give it', {}, { client_id: 'app' }],
    ['a public client that gives a secret', {}, { client_id: 'open', client_secret: 'any' }],
    ['no client', {}, {}],
  ])('refuses %s with 401 invalid_client', async (_, headers, form) => {
    const sandbox = await startSandbox({ clientId: 'app', clientSecret: 'right', publicClientId: 'open' })
    const reply = await askToken(sandbox, form, headers)
    expect(reply.status).toBe(401)
    expect(reply.json['error']).toBe('invalid_client')
    expect(reply.headers.get('www-authenticate')).toMatch(/^Basic/)
  })

  it('refuses two proofs at once, and a form that names another client', async () => {
    const sandbox = await startSandbox({ clientId: 'app', clientSecret: 'right' })
    const authorization = basic('app', 'right')
    for (const form of [{ client_id: 'app', client_secret: 'right' }, { client_id: 'other' }]) {
      const reply = await askToken(sandbox, form, { authorization })
      expect([reply.status, reply.json['error']]).toEqual([400, 'invalid_request'])
    }
    expect((await askToken(sandbox, { client_id: 'app' }, { authorization })).status).toBe(200)
  })
})

describe('the token endpoint', () => {
  it.each([
    ['a JSON body', 'application/json', '{"grant_type":"client_credentials"}'],
    ['a parameter given twice', 'application/x-www-form-urlencoded', 'grant_type=client_credentials&scope=a&scope=b'],
    ['an empty grant type', 'application/x-www-form-urlencoded', 'grant_type='],
    ['no body at all', 'application/x-www-form-urlencoded', ''],
  ])('refuses %s with 400 invalid_request in the OAuth shape', async (_, type, body) => {
    const sandbox = await startSandbox()
    const { id, secret } = clientOf(sandbox)
    const headers = { authorization: basic(id, secret), 'content-type': type }
    const reply = await send(sandbox, '/oauth/token', { method: 'POST', headers, body })
    expect(reply.status).toBe(400)
    expect(reply.json).toEqual({
      error: 'invalid_request',
      description: expect.any(String),
      error_description: reply.json['description'],
    })
  })

  it('refuses a body over 1 MiB in the OAuth shape', async () => {
    const sandbox = await startSandbox()
    const reply = await askToken(sandbox, { scope: 'a'.repeat(1024 * 1024) })
    expect([reply.status, reply.json['error']]).toEqual([413, 'invalid_request'])
  })

  it('has metadata of RFC 8414', async () => {
    const sandbox = await startSandbox()
    const { json } = await send(sandbox, '/.well-known/oauth-authorization-server')
    expect(json).toMatchObject({
      issuer: sandbox.url,
      token_endpoint: `${sandbox.url}/oauth/token`,
      jwks_uri: `${sandbox.url}/.well-known/jwks.json`,
      authorization_endpoint: `${sandbox.url}/oauth/authorize`,
      device_authorization_endpoint: `${sandbox.url}/oauth/device_authorization`,
      revocation_endpoint: `${sandbox.url}/oauth/revoke`,
      response_types_supported: ['code'],
      code_challenge_methods_supported: ['S256'],
      grant_types_supported: [
        'client_credentials',
        'authorization_code',
        'refresh_token',
        'urn:ietf:params:oauth:grant-type:device_code',
      ],
      scopes_supported: expect.arrayContaining(['openid', 'user:read']),
    })
  })
})

describe('/api/v2/tokens/me', () => {
  it('answers HEAD like GET, without a body', async () => {
    const sandbox = await startSandbox()
    const headers = { authorization: `bearer ${await accessToken(sandbox)}` }
    const good = await send(sandbox, '/api/v2/tokens/me', { method: 'HEAD', headers })
    expect([good.status, good.text]).toEqual([200, ''])
    expect((await send(sandbox, '/api/v2/tokens/me', { method: 'HEAD' })).status).toBe(401)
  })

  it('revokes exactly the token of the call', async () => {
    const sandbox = await startSandbox()
    const [mine, other] = [await accessToken(sandbox), await accessToken(sandbox)]
    const me = async (token: string, method = 'GET') =>
      (await send(sandbox, '/api/v2/tokens/me', { method, headers: { authorization: `Bearer ${token}` } })).status
    expect(await me(mine, 'DELETE')).toBe(200)
    expect(await me(mine)).toBe(401)
    expect(await me(other)).toBe(200)
  })

  it('accepts Bearer in any case, and unknown query parameters', async () => {
    const sandbox = await startSandbox()
    const headers = { authorization: `BEARER ${await accessToken(sandbox)}` }
    expect((await send(sandbox, '/api/v2/tokens/me?application=x&y', { headers })).status).toBe(200)
  })

  it('refuses another authorization scheme with 401', async () => {
    const sandbox = await startSandbox()
    const reply = await send(sandbox, '/api/v2/tokens/me', { headers: { authorization: basic('a', 'b') } })
    expect([reply.status, reply.json['code']]).toEqual([401, 'authentication.required'])
  })

  it('refuses the token of another sandbox', async () => {
    const [one, two] = [await startSandbox({ seed: 7 }), await startSandbox({ seed: 7 })]
    const token = await accessToken(one)
    expect(claims(token)['sub']).toBe(clientOf(two).id)
    const reply = await send(two, '/api/v2/tokens/me', { headers: { authorization: `Bearer ${token}` } })
    expect(reply.status).toBe(401)
  })
})
