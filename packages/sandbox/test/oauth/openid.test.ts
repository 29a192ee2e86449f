import { createHash } from 'node:crypto'
import { decodeProtectedHeader } from 'jose'
import { describe, expect, it } from 'vitest'
import type { Sandbox } from '../../src/index.ts'
import {
  accessToken,
  askToken,
  basic,
  clientOf,
  type Reply,
  send,
  START,
  startSandbox,
  verifiedClaims,
} from '../genesys-client.ts'
import { authorize, codeFor, exchange, redirectOf, refreshSignIn, refusal, signedIn, tokensOf } from '../user-client.ts'

const openid = { scope: 'openid profile email user:read', nonce: 'n-0S6' }
const bearer = (token: string) => ({ authorization: `Bearer ${token}` })

function introspect(sandbox: Sandbox, token: string, headers?: Record<string, string>): Promise<Reply> {
  const { id, secret } = clientOf(sandbox)
  const body = new URLSearchParams({ token })
  const authorization = basic(id, secret)
  return send(sandbox, '/oauth/introspect', { method: 'POST', headers: headers ?? { authorization }, body })
}

it('serves the same metadata to OpenID clients and OAuth clients', async () => {
  const sandbox = await startSandbox({ algorithm: 'ES256' })
  const { json } = await send(sandbox, '/.well-known/openid-configuration')
  expect(json).toMatchObject({
    issuer: sandbox.url,
    userinfo_endpoint: `${sandbox.url}/oauth/userinfo`,
    introspection_endpoint: `${sandbox.url}/oauth/introspect`,
    subject_types_supported: ['public'],
    id_token_signing_alg_values_supported: ['ES256'],
    authorization_response_iss_parameter_supported: true,
    scopes_supported: expect.arrayContaining(['openid', 'offline_access']),
  })
  expect((await send(sandbox, '/.well-known/oauth-authorization-server')).json).toEqual(json)
})

describe('an ID token', () => {
  it.each(['RS256', 'PS256', 'ES256', 'EdDSA'] as const)(
    'signed with %s names user, client, nonce and the access token beside it',
    async (algorithm) => {
      const sandbox = await startSandbox({ algorithm, autoConsent: true })
      const { json } = await exchange(sandbox, await codeFor(sandbox, openid))
      const hash = createHash(algorithm === 'EdDSA' ? 'sha512' : 'sha256')
        .update(String(json['access_token']))
        .digest()
      expect(await verifiedClaims(sandbox, json['id_token'])).toMatchObject({
        iss: sandbox.url,
        sub: sandbox.users[0]?.id,
        aud: sandbox.publicClientId,
        nonce: 'n-0S6',
        auth_time: START / 1000,
        at_hash: hash.subarray(0, hash.length / 2).toString('base64url'),
        name: 'Ada Lindqvist',
      })
    },
  )
})

describe('userinfo', () => {
  it.each(['GET', 'POST'])('shows by %s the claims of the scopes of the token', async (method) => {
    const sandbox = await startSandbox({ autoConsent: true })
    const { access } = await signedIn(sandbox, openid)
    const { status, json } = await send(sandbox, '/oauth/userinfo', { method, headers: bearer(access) })
    expect([status, json]).toEqual([
      200,
      {
        sub: sandbox.users[0]?.id,
        name: 'Ada Lindqvist',
        given_name: 'Ada',
        family_name: 'Lindqvist',
        email: 'ada.lindqvist@example.test',
        email_verified: true,
      },
    ])
    const { access: bare } = await signedIn(sandbox, { scope: 'openid' })
    expect((await send(sandbox, '/oauth/userinfo', { headers: bearer(bare) })).json).toEqual({
      sub: sandbox.users[0]?.id,
    })
  })

  it('refuses a token without the scope openid, one without a user, and an unknown one', async () => {
    const sandbox = await startSandbox({ autoConsent: true })
    const { access } = await signedIn(sandbox)
    for (const token of [access, await accessToken(sandbox)]) {
      const { status, headers } = await send(sandbox, '/oauth/userinfo', { headers: bearer(token) })
      expect([status, headers.get('www-authenticate')]).toEqual([
        403,
        'Bearer realm="sandbox", error="insufficient_scope", scope="openid"',
      ])
    }
    const unknown = await send(sandbox, '/oauth/userinfo', { headers: bearer('unknown') })
    expect([unknown.status, unknown.headers.get('www-authenticate')]).toEqual([
      401,
      'Bearer realm="sandbox", error="invalid_token"',
    ])
  })
})

describe('introspection', () => {
  it('describes a live access token and a live refresh token', async () => {
    const sandbox = await startSandbox({ autoConsent: true })
    const { access, refresh } = await signedIn(sandbox, openid)
    const sub = sandbox.users[0]?.id
    const { publicClientId: client_id, url: iss } = sandbox
    expect((await introspect(sandbox, access)).json).toEqual({
      active: true,
      iss,
      sub,
      client_id,
      username: 'ada.lindqvist@example.test',
      scope: openid.scope,
      token_type: 'bearer',
      iat: START / 1000,
      exp: START / 1000 + 3600,
    })
    expect((await introspect(sandbox, refresh)).json).toMatchObject({
      active: true,
      client_id,
      exp: START / 1000 + 30 * 86_400,
    })
    expect((await introspect(sandbox, await accessToken(sandbox))).json).toMatchObject({ sub: clientOf(sandbox).id })
  })

  it('calls a token that is spent, expired, unknown or of another organization not active', async () => {
    const sandbox = await startSandbox({
      autoConsent: true,
      clients: [{ id: 'elsewhere', secret: 's', organization: 'Other' }],
    })
    const { access, refresh } = await signedIn(sandbox)
    await refreshSignIn(sandbox, refresh)
    for (const token of [refresh, 'unknown']) {
      expect((await introspect(sandbox, token)).json).toEqual({ active: false })
    }
    const stranger = { authorization: basic('elsewhere', 's') }
    expect((await introspect(sandbox, access, stranger)).json).toEqual({ active: false })
    sandbox.advance(3_600_000)
    expect((await introspect(sandbox, access)).json).toEqual({ active: false })
  })

  it('answers only clients that authenticate', async () => {
    const sandbox = await startSandbox()
    const body = new URLSearchParams({ token: 'any', client_id: sandbox.publicClientId })
    expect(refusal(await send(sandbox, '/oauth/introspect', { method: 'POST', body }))).toEqual([401, 'invalid_client'])
    expect(refusal(await introspect(sandbox, 'any', {}))).toEqual([401, 'invalid_client'])
  })
})

describe('an access token after RFC 9068', () => {
  it('has typ at+jwt and an audience', async () => {
    const sandbox = await startSandbox({ accessTokenFormat: 'at+jwt' })
    const token = await accessToken(sandbox, 'guest:read')
    expect(decodeProtectedHeader(token)).toMatchObject({ typ: 'at+jwt', alg: 'ES256' })
    expect(await verifiedClaims(sandbox, token)).toEqual({
      iss: sandbox.url,
      aud: sandbox.url,
      sub: clientOf(sandbox).id,
      client_id: clientOf(sandbox).id,
      org: expect.any(String),
      scope: 'guest:read',
      iat: START / 1000,
      exp: START / 1000 + 3600,
      jti: expect.any(String),
    })
    expect((await send(sandbox, '/api/v2/tokens/me', { headers: bearer(token) })).status).toBe(200)
  })
})

describe('a requested resource', () => {
  const RESOURCE = 'https://api.example.test/'

  it('is the audience of its tokens, also after a refresh', async () => {
    const sandbox = await startSandbox({ accessTokenFormat: 'at+jwt', autoConsent: true })
    const own = await askToken(sandbox, { resource: RESOURCE })
    const first = await exchange(sandbox, await codeFor(sandbox, { resource: RESOURCE }))
    const next = await refreshSignIn(sandbox, tokensOf(first).refresh)
    for (const { json } of [own, first, next]) {
      expect(await verifiedClaims(sandbox, json['access_token'])).toMatchObject({ aud: RESOURCE })
    }
  })

  it('is refused if it is not an address', async () => {
    const sandbox = await startSandbox({ autoConsent: true })
    expect(refusal(await askToken(sandbox, { resource: 'api' }))).toEqual([400, 'invalid_target'])
    expect(redirectOf(await authorize(sandbox, { resource: 'urn:api#part' })).query['error']).toBe('invalid_target')
  })
})

it('issues a refresh token with offline_access and without', async () => {
  const sandbox = await startSandbox({ autoConsent: true })
  const { json } = await exchange(sandbox, await codeFor(sandbox, { scope: 'openid offline_access' }))
  expect(json).toMatchObject({ scope: 'openid offline_access', refresh_token: expect.any(String) })
  expect(tokensOf(await refreshSignIn(sandbox, String(json['refresh_token']))).refresh).toMatch(
    /^sandbox-secret-[\w-]{43}$/,
  )
  expect(refusal(await askToken(sandbox, { scope: 'offline_access' }))).toEqual([400, 'invalid_scope'])
})
