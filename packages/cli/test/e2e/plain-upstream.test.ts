import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { type PlainUpstream, plainUpstream } from '../upstream/plain-upstream.ts'
import { type User, user } from './user.ts'

const ISSUE = 'guest issue --api guest-tokens --scope webmessaging:guest:send webmessaging:guest:read'
const TOKEN_PATH = 'POST /oauth/token'

let upstream: PlainUpstream
let ann: User

beforeAll(async () => {
  upstream = await plainUpstream()
  ann = user({ ...upstream.env, GUESTPASS_AUDIT_FILE: 'audit.jsonl' })
})
afterAll(async () => {
  ann.removeFolder()
  await upstream.close()
})

describe('an upstream that keeps to the documented contract and does nothing more', () => {
  it('gives guests whose tokens are signed with ES256 and carry no optional claim', async () => {
    const { code, said } = await ann.runJson<{ guestId: string; token: string }>(`${ISSUE} --duration 600 --reveal`)
    expect([code, said]).toEqual([0, expect.objectContaining({ generation: 1, verified: true })])
    expect(upstream.given).toContain(said.token)

    const verdict = await ann.runJson(`verify - --subject ${said.guestId} --scope webmessaging:guest:read`, {
      input: said.token,
    })
    expect(verdict).toEqual({
      code: 0,
      said: {
        valid: true,
        claims: {
          sub: said.guestId,
          scope: 'webmessaging:guest:send webmessaging:guest:read',
          iat: expect.any(Number),
          exp: expect.any(Number),
        },
      },
    })
    expect((await ann.runJson(`guest token ${said.guestId} --reveal`)).said).toMatchObject({ token: said.token })
    await ann.runJson(`guest revoke ${said.guestId}`)
    expect((await ann.runJson('verify -', { input: said.token })).said).toEqual({ valid: false, reason: 'revoked' })
  })

  it('gives an access token that cannot be read, which is taken as it is', async () => {
    const { said } = await ann.runJson<{ accessToken: string }>('token --reveal')
    expect(said).toMatchObject({ generation: 1, scope: '' })
    expect(said.accessToken).toMatch(/^opaque-/)
    // The other one is for making guests.
    expect(upstream.met.filter((request) => request === TOKEN_PATH)).toHaveLength(2)
    expect(await ann.runJson('doctor')).toMatchObject({ code: 0, said: { healthy: true } })
  })

  it('refuses a wrong secret, and the right one works at once', async () => {
    const bob = user(upstream.env)
    const before = upstream.met.length
    const { code, err } = await bob.run('token', { env: { GENESYS_CLIENT_SECRET: 'test-secret-not-right-9b2e' } })
    expect(code).toBe(3)
    const shown = err
      .split('\n')
      .filter((line) => line.startsWith('guestpass: ') && line.includes('GENESYS_CLIENT_SECRET'))
    expect(shown).toEqual([expect.stringContaining('[client_rejected]')])
    // In the form body, then once in the Authorization header.
    expect(upstream.met.slice(before)).toEqual([TOKEN_PATH, TOKEN_PATH])
    const problem = await bob.runJson('token', { env: { GENESYS_CLIENT_SECRET: 'test-secret-not-right-9b2e' } })
    expect(problem).toMatchObject({
      code: 3,
      said: { code: 'client_rejected', upstream: { status: 401, code: 'invalid_client' } },
    })

    expect(await bob.run('token')).toMatchObject({ code: 0, err: '' })
    expect(
      bob.leaks(['test-secret-not-right-9b2e', upstream.env['GENESYS_CLIENT_SECRET'] ?? '', ...upstream.given]),
    ).toEqual([])
    bob.removeFolder()
  })

  it('refuses tokens that do not verify before anybody gets them', async () => {
    const { problem, text } = await ann.expectFailure(ISSUE, 4, 'token_refused', {
      env: { GENESYS_TOKEN_ALGORITHMS: 'RS256' },
    })
    expect(problem.reason).toBe('algorithm')
    expect(text).toContain('Reason: algorithm')
    const { problem: pinned } = await ann.expectFailure(ISSUE, 4, 'token_refused', {
      env: { GENESYS_TOKEN_ISSUER: 'me' },
    })
    expect(pinned.reason).toBe('issuer')
    const { said } = await ann.runJson<{ data: unknown[] }>('guest list')
    expect(said.data).toHaveLength(1)
    expect((await ann.runJson('report')).said).toMatchObject({ guestTokens: { succeeded: 1, failed: 4 } })
  })

  it('finds no secret in clear in outputs, audit file or database', () => {
    expect(upstream.given.length).toBeGreaterThan(5)
    expect(ann.leaks([upstream.env['GENESYS_CLIENT_SECRET'] ?? '', ...upstream.given])).toEqual([])
  })
})
