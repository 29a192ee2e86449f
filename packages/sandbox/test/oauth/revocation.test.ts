import { describe, expect, it } from 'vitest'
import type { Sandbox } from '../../src/index.ts'
import { accessToken, basic, failureCode, clientOf, type Reply, send, startSandbox } from '../genesys-client.ts'
import { type Parameters, refreshSignIn, refusal, signedIn, tokensOf, accessTokenStatus } from '../user-client.ts'

const auto = { autoConsent: true }

function revoke(
  sandbox: Sandbox,
  form: Parameters,
  headers: Record<string, string> = {},
  path = '/oauth/revoke',
): Promise<Reply> {
  return send(sandbox, path, { method: 'POST', headers, body: new URLSearchParams(form) })
}

describe('revocation', () => {
  it.each(['/oauth/revoke', '/api/v2/oauth/revoke'])(
    'of a refresh token at %s ends everything from its sign-in',
    async (path) => {
      const sandbox = await startSandbox(auto)
      const client_id = sandbox.publicClientId
      const [first, other] = [await signedIn(sandbox), await signedIn(sandbox)]
      const next = tokensOf(await refreshSignIn(sandbox, first.refresh))
      const reply = await revoke(
        sandbox,
        { client_id, token: next.refresh, token_type_hint: 'refresh_token' },
        {},
        path,
      )
      expect([reply.status, reply.text]).toEqual([200, ''])
      expect(refusal(await refreshSignIn(sandbox, next.refresh))).toEqual([400, 'invalid_grant'])
      expect(sandbox.journal().at(-1)).not.toHaveProperty('reuse')
      for (const { access } of [first, next]) expect(await accessTokenStatus(sandbox, access)).toBe(401)
      expect(await accessTokenStatus(sandbox, other.access)).toBe(200)
    },
  )

  it('of an access token ends only that token, with any token_type_hint', async () => {
    const sandbox = await startSandbox(auto)
    const { access, refresh } = await signedIn(sandbox)
    const form = { client_id: sandbox.publicClientId, token: access, token_type_hint: 'refresh_token' }
    expect((await revoke(sandbox, form)).status).toBe(200)
    expect(await accessTokenStatus(sandbox, access)).toBe(401)
    expect((await refreshSignIn(sandbox, refresh)).status).toBe(200)
  })

  it('ends the token of client credentials', async () => {
    const sandbox = await startSandbox()
    const { id, secret } = clientOf(sandbox)
    const token = await accessToken(sandbox)
    expect((await revoke(sandbox, { token }, { authorization: basic(id, secret) })).status).toBe(200)
    expect(await accessTokenStatus(sandbox, token)).toBe(401)
  })

  it('of an unknown token is answered with 200; without a token or a client it is refused', async () => {
    const sandbox = await startSandbox()
    const client_id = sandbox.publicClientId
    expect((await revoke(sandbox, { client_id, token: 'unknown' })).status).toBe(200)
    expect(refusal(await revoke(sandbox, { client_id }))).toEqual([400, 'invalid_request'])
    expect(refusal(await revoke(sandbox, { token: 'unknown' }))).toEqual([401, 'invalid_client'])
  })

  it('of a token of another client is refused', async () => {
    const sandbox = await startSandbox({ ...auto, clients: [{ id: 'other' }] })
    const { access, refresh } = await signedIn(sandbox)
    for (const token of [access, refresh]) {
      expect(refusal(await revoke(sandbox, { client_id: 'other', token }))).toEqual([400, 'invalid_grant'])
    }
    expect(await accessTokenStatus(sandbox, access)).toBe(200)
    expect((await refreshSignIn(sandbox, refresh)).status).toBe(200)
  })

  it('takes effect when its answer is lost', async () => {
    const sandbox = await startSandbox(auto)
    const { refresh } = await signedIn(sandbox)
    sandbox.script([{ on: 'revoke', do: { drop: 'after' } }])
    expect(await failureCode(revoke(sandbox, { client_id: sandbox.publicClientId, token: refresh }))).toBe('ECONNRESET')
    expect((await refreshSignIn(sandbox, refresh)).status).toBe(400)
  })

  it('at /api/v2/tokens/me ends the access token and leaves the refresh token', async () => {
    const sandbox = await startSandbox(auto)
    const { access, refresh } = await signedIn(sandbox)
    const headers = { authorization: `Bearer ${access}` }
    expect((await send(sandbox, '/api/v2/tokens/me', { method: 'DELETE', headers })).status).toBe(200)
    expect(await accessTokenStatus(sandbox, access)).toBe(401)
    expect((await refreshSignIn(sandbox, refresh)).status).toBe(200)
  })
})

describe('/api/v2/users/me', () => {
  const me = (sandbox: Sandbox, token: string, query = ''): Promise<Reply> =>
    send(sandbox, `/api/v2/users/me${query}`, { headers: { authorization: `Bearer ${token}` } })

  it('shows the user who signed in', async () => {
    const users = [{ id: 'u-1', name: 'Ada Lindqvist', email: 'ada@example.test' }]
    const sandbox = await startSandbox({ ...auto, users })
    const { status, json } = await me(sandbox, (await signedIn(sandbox)).access)
    expect(status).toBe(200)
    expect(json).toMatchObject({
      ...users[0],
      username: 'ada@example.test',
      state: 'active',
      selfUri: '/api/v2/users/u-1',
    })
  })

  it('shows the organization with expand=organization', async () => {
    const sandbox = await startSandbox(auto)
    const { access } = await signedIn(sandbox)
    expect((await me(sandbox, access)).json).not.toHaveProperty('organization')
    for (const query of [
      '?expand=organization',
      '?expand=presence,organization',
      '?expand=presence&expand=organization',
    ]) {
      const { json } = await me(sandbox, access, query)
      expect(json).toMatchObject({ organization: { id: expect.any(String), name: expect.any(String) } })
    }
  })

  it('refuses client credentials, and a call without a token', async () => {
    const sandbox = await startSandbox()
    const reply = await me(sandbox, await accessToken(sandbox))
    expect(reply.status).toBe(400)
    expect(reply.json).toMatchObject({ code: 'bad.request', status: 400, contextId: expect.any(String) })
    expect((await me(sandbox, 'unknown')).status).toBe(401)
  })

  it('counts against the limit of the token, and takes scripted faults', async () => {
    const sandbox = await startSandbox({ ...auto, rateLimit: { perMinute: 1 } })
    const { access } = await signedIn(sandbox)
    sandbox.script([{ on: 'users', do: { status: 503 } }])
    expect((await me(sandbox, access)).json['code']).toBe('service.unavailable')
    expect((await me(sandbox, access)).status).toBe(200)
    const reply = await me(sandbox, access)
    expect([reply.status, reply.json['limit']]).toEqual([
      429,
      { key: 'org.app.user.rate.per.minute', namespace: 'platform.api', value: 1 },
    ])
  })
})
