import { describe, expect, it } from 'vitest'
import { askToken, claims, failureCode, send, startSandbox } from '../genesys-client.ts'
import { refreshSignIn, refusal, signedIn, tokensOf, accessTokenStatus } from '../user-client.ts'

const auto = { autoConsent: true }
const DAY = 86_400_000

describe('a refresh', () => {
  it('gives the next access token and the next refresh token of the same sign-in', async () => {
    const sandbox = await startSandbox(auto)
    const first = await signedIn(sandbox)
    const reply = await refreshSignIn(sandbox, first.refresh)
    expect(reply.json).toEqual({
      access_token: expect.any(String),
      token_type: 'bearer',
      expires_in: 3600,
      refresh_token: expect.stringMatching(/^sandbox-secret-[\w-]{43}$/),
      scope: 'user:read guest:read',
    })
    const next = tokensOf(reply)
    expect(next.refresh).not.toBe(first.refresh)
    expect(claims(next.access)).toMatchObject({ sub: sandbox.users[0]?.id, client_id: sandbox.publicClientId })
    expect(await accessTokenStatus(sandbox, first.access)).toBe(200)
    expect((await refreshSignIn(sandbox, next.refresh)).status).toBe(200)
  })

  it('may request fewer scopes than were granted, and all of them again later', async () => {
    const sandbox = await startSandbox(auto)
    const { refresh } = await signedIn(sandbox)
    const less = await refreshSignIn(sandbox, refresh, { scope: 'guest:read' })
    expect(less.json['scope']).toBe('guest:read')
    expect(claims(less.json['access_token'])['scope']).toBe('guest:read')
    const whole = await refreshSignIn(sandbox, tokensOf(less).refresh, { scope: 'guest:read user:read' })
    expect(whole.json['scope']).toBe('guest:read user:read')
  })

  it('refuses a scope that was not granted, names it, and spends nothing', async () => {
    const sandbox = await startSandbox(auto)
    const { refresh } = await signedIn(sandbox)
    const reply = await refreshSignIn(sandbox, refresh, { scope: 'guest:read guest:write' })
    expect(refusal(reply)).toEqual([400, 'invalid_scope'])
    expect(reply.json['error_description']).toMatch(/: guest:write$/)
    expect((await refreshSignIn(sandbox, refresh)).status).toBe(200)
  })

  it.each([
    ['an unknown token', { refresh_token: 'unknown' }, 'invalid_grant'],
    ['no token', { refresh_token: '' }, 'invalid_request'],
    ['the token of another client', { client_id: 'other' }, 'invalid_grant'],
  ])('is refused with %s, and ends no sign-in', async (_, form, error) => {
    const sandbox = await startSandbox({ ...auto, clients: [{ id: 'other' }] })
    const { refresh } = await signedIn(sandbox)
    expect(refusal(await refreshSignIn(sandbox, refresh, form))).toEqual([400, error])
    expect((await refreshSignIn(sandbox, refresh)).status).toBe(200)
  })

  it('is for users only: client credentials give no refresh token', async () => {
    const { json } = await askToken(await startSandbox())
    expect(json).not.toHaveProperty('refresh_token')
  })

  it('takes effect although its answer is lost, as the next refresh shows', async () => {
    const sandbox = await startSandbox(auto)
    const { refresh, access } = await signedIn(sandbox)
    sandbox.script([{ on: 'token', do: { drop: 'after' } }])
    expect(await failureCode(refreshSignIn(sandbox, refresh))).toBe('ECONNRESET')
    expect(refusal(await refreshSignIn(sandbox, refresh))).toEqual([400, 'invalid_grant'])
    expect(sandbox.journal().at(-1)).toMatchObject({ reuse: true, presented: 2 })
    expect(await accessTokenStatus(sandbox, access)).toBe(401)
  })

  it('does not take effect when the connection is dropped before', async () => {
    const sandbox = await startSandbox(auto)
    const { refresh } = await signedIn(sandbox)
    sandbox.script([{ on: 'token', do: { drop: 'before' } }])
    expect(await failureCode(refreshSignIn(sandbox, refresh))).toBe('ECONNRESET')
    expect((await refreshSignIn(sandbox, refresh)).status).toBe(200)
    expect(sandbox.journal().at(-1)?.presented).toBe(1)
  })
})

describe('a refresh token', () => {
  it('expires after 30 days without use, and is prolonged by use', async () => {
    const sandbox = await startSandbox(auto)
    const [used, idle] = [await signedIn(sandbox), await signedIn(sandbox)]
    sandbox.advance(30 * DAY - 1)
    const next = tokensOf(await refreshSignIn(sandbox, used.refresh))
    sandbox.advance(1)
    expect(refusal(await refreshSignIn(sandbox, idle.refresh))).toEqual([400, 'invalid_grant'])
    sandbox.advance(30 * DAY - 2)
    expect((await refreshSignIn(sandbox, next.refresh)).status).toBe(200)
  })

  it('stays the same without rotation, and use prolongs it', async () => {
    const sandbox = await startSandbox({ ...auto, rotate: false })
    const { refresh } = await signedIn(sandbox)
    for (const _ of [1, 2, 3]) {
      const { status, json } = await refreshSignIn(sandbox, refresh)
      expect([status, 'refresh_token' in json]).toEqual([200, false])
      sandbox.advance(29 * DAY)
    }
    sandbox.advance(DAY)
    expect((await refreshSignIn(sandbox, refresh)).status).toBe(400)
  })
})

describe('the strict profile', () => {
  it('ends the whole sign-in when a spent token is presented again, and no other sign-in', async () => {
    const sandbox = await startSandbox(auto)
    const [mine, other] = [await signedIn(sandbox), await signedIn(sandbox)]
    const second = tokensOf(await refreshSignIn(sandbox, mine.refresh))
    const third = tokensOf(await refreshSignIn(sandbox, second.refresh))
    expect(refusal(await refreshSignIn(sandbox, mine.refresh))).toEqual([400, 'invalid_grant'])
    const { reuse, presented, family, grant } = sandbox.journal().at(-1) ?? {}
    expect({ reuse, presented, grant }).toEqual({ reuse: true, presented: 2, grant: 'refresh_token' })
    expect(family).toBe(sandbox.journal().at(-2)?.family)
    expect(refusal(await refreshSignIn(sandbox, third.refresh))).toEqual([400, 'invalid_grant'])
    expect(sandbox.journal().at(-1)).not.toHaveProperty('reuse')
    for (const { access } of [mine, second, third]) expect(await accessTokenStatus(sandbox, access)).toBe(401)
    expect((await refreshSignIn(sandbox, other.refresh)).status).toBe(200)
  })

  it('counts two concurrent presentations as two', async () => {
    const sandbox = await startSandbox(auto)
    const { refresh } = await signedIn(sandbox)
    const replies = await Promise.all([refreshSignIn(sandbox, refresh), refreshSignIn(sandbox, refresh)])
    expect(replies.map(({ status }) => status).toSorted((a, b) => a - b)).toEqual([200, 400])
    const winner = replies.find(({ status }) => status === 200) ?? expect.fail('no request succeeded')
    expect(await accessTokenStatus(sandbox, tokensOf(winner).access)).toBe(401)
    expect(sandbox.journal().filter(({ reuse }) => reuse)).toHaveLength(1)
  })
})

describe('the grace profile', () => {
  const grace = { ...auto, refreshProfile: 'grace' } as const

  it('repeats the same answer, also concurrently, until the grace ends', async () => {
    const sandbox = await startSandbox({ ...grace, graceSeconds: 10 })
    const { refresh } = await signedIn(sandbox)
    const [one, two] = await Promise.all([refreshSignIn(sandbox, refresh), refreshSignIn(sandbox, refresh)])
    sandbox.advance(9999)
    const three = await refreshSignIn(sandbox, refresh)
    expect([two?.json, three.json]).toEqual([one?.json, one?.json])
    expect(
      sandbox
        .journal()
        .map(({ presented, replayed }) => [presented, replayed])
        .slice(-3),
    ).toEqual([
      [1, undefined],
      [2, true],
      [3, true],
    ])
    expect((await refreshSignIn(sandbox, tokensOf(three).refresh)).status).toBe(200)
  })

  it('is strict after the grace', async () => {
    const sandbox = await startSandbox(grace)
    const { refresh } = await signedIn(sandbox)
    const next = tokensOf(await refreshSignIn(sandbox, refresh))
    sandbox.advance(30_000)
    expect(refusal(await refreshSignIn(sandbox, refresh))).toEqual([400, 'invalid_grant'])
    expect(sandbox.journal().at(-1)).toMatchObject({ reuse: true, presented: 2 })
    expect(refusal(await refreshSignIn(sandbox, next.refresh))).toEqual([400, 'invalid_grant'])
    expect(refusal(await refreshSignIn(sandbox, refresh))).toEqual([400, 'invalid_grant'])
  })

  it('repeats no answer of a revoked sign-in', async () => {
    const sandbox = await startSandbox(grace)
    const { refresh } = await signedIn(sandbox)
    const next = tokensOf(await refreshSignIn(sandbox, refresh))
    const body = new URLSearchParams({ client_id: sandbox.publicClientId, token: next.refresh })
    await send(sandbox, '/oauth/revoke', { method: 'POST', body })
    expect(refusal(await refreshSignIn(sandbox, refresh))).toEqual([400, 'invalid_grant'])
  })

  it('repeats the answer of a dropped connection', async () => {
    const sandbox = await startSandbox(grace)
    const { refresh } = await signedIn(sandbox)
    sandbox.script([{ on: 'token', do: { drop: 'after' } }])
    expect(await failureCode(refreshSignIn(sandbox, refresh))).toBe('ECONNRESET')
    const again = await refreshSignIn(sandbox, refresh)
    expect(sandbox.journal().at(-1)).toMatchObject({ presented: 2, replayed: true, status: 200 })
    expect((await refreshSignIn(sandbox, tokensOf(again).refresh)).status).toBe(200)
  })
})
