import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import {
  CREATE,
  REFRESH,
  SESSION,
  SUB,
  TOKEN,
  type TutorialUpstream,
  tutorialUpstream,
  USER_TOKEN,
  USERS,
} from '../upstream/tutorial-upstream.ts'
import { type Receiver, receiver, WEBHOOK_SECRET } from './receiver.ts'
import { type User, user } from './user.ts'

/** An audit record, as `audit tail --json` prints it. */
interface AuditRecord {
  readonly eventType: string
  readonly outcome: string
  readonly subject: string
  readonly latencyMs: number | null
  readonly statusCode: number | null
  readonly idempotencyKey: string | null
  readonly error: { readonly code: string; readonly message: string; readonly reason?: string } | null
  readonly data: Readonly<Record<string, unknown>>
}

const EMAIL = 'ann.example@mail.example'
const UUID_V4 = /^[\da-f]{8}-[\da-f]{4}-4[\da-f]{3}-[89ab][\da-f]{3}-[\da-f]{12}$/
const TIME = /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$/

let upstream: TutorialUpstream
let peer: Receiver
let ann: User

beforeEach(async () => {
  upstream = await tutorialUpstream()
  peer = await receiver()
  ann = user({
    GENESYS_OAUTH_BASE_URL: upstream.url,
    GENESYS_API_BASE_URL: upstream.url,
    GENESYS_CLIENT_ID: 'tutorial-client',
    GENESYS_CLIENT_SECRET: 'test-secret-tutorial-5b1c',
    GENESYS_PUBLIC_KEY: upstream.publicKey.replaceAll('\n', '\\n'),
    WEBHOOK_SECRET,
  })
})
afterEach(async () => {
  expect(ann.leaks(['test-secret-tutorial-5b1c', WEBHOOK_SECRET, EMAIL])).toEqual([])
  ann.removeFolder()
  await Promise.all([upstream.close(), peer.close()])
})

const records = async (more = ''): Promise<readonly AuditRecord[]> =>
  (await ann.runJson<{ data: readonly AuditRecord[] }>(`audit tail --lines 100${more}`)).said.data

const latest = async (type: string): Promise<AuditRecord | undefined> =>
  (await records()).filter(({ eventType }) => eventType === type).at(-1)

describe('a guest token that is held outside', () => {
  const held = (claims: Readonly<Record<string, unknown>> = {}) => ({
    input: upstream.jwt({ sub: SUB, scope: 'webmessaging:guest:send', ...claims }),
  })
  const renew = `guest refresh ${SESSION} --token - --subject ${SUB}`

  beforeEach(() => {
    upstream.client.scopes = ['webmessaging:guesttoken:write']
  })

  it('is verified, refreshed by a client with the one scope, and known by its session from then on', async () => {
    const { code, said } = await ann.runJson<{ token: string; generation: number }>(`${renew} --reveal`, held())
    expect([code, said]).toMatchObject([0, { generation: 2 }])
    expect(upstream.came.map(({ key }) => key)).toEqual([TOKEN, REFRESH])
    const form = new URLSearchParams(upstream.of(TOKEN)[0]?.body)
    expect(form.get('scope')).toBe('webmessaging:guesttoken:write')
    const [request] = upstream.of(REFRESH)
    expect([request?.body, request?.headers['idempotency-key']]).toEqual(['{}', expect.stringMatching(UUID_V4)])
    expect((await ann.runJson(`verify ${said.token} --subject ${SUB}`)).said).toMatchObject({ valid: true })
    expect((await ann.runJson(`guest refresh ${SESSION}`)).said).toMatchObject({ generation: 3 })
    expect((await ann.runJson(`guest show ${SESSION}`)).said).toMatchObject({ guestId: SESSION, tokenSubject: SUB })
    expect((await ann.run(`guest show ${SESSION}`)).out).toContain(SUB)
  })

  it('of another subject is refused without one that is named, on record and counted', async () => {
    const { problem } = await ann.expectFailure(`guest refresh ${SESSION} --token -`, 4, 'token_invalid', held())
    expect(problem.reason).toBe('subject')
    await ann.expectFailure(renew, 4, 'token_invalid', held({ exp: 1_000 }))
    expect(upstream.came).toEqual([])
    expect(await latest('REFRESH_FAILED')).toMatchObject({
      outcome: 'failure',
      latencyMs: expect.any(Number),
      error: { code: 'token_invalid', reason: 'expired' },
    })
    expect((await ann.runJson('report')).said).toMatchObject({
      totalRequests: 4,
      failedRefreshes: 4,
      successfulRefreshes: 0,
    })
  })

  it('needs its token where a subject is named', async () => {
    const { problem } = await ann.expectFailure(`guest refresh ${SESSION} --subject ${SUB}`, 2, 'invalid_input')
    expect(problem.fields?.map(({ field }) => field)).toEqual(['--subject'])
  })

  it('has records of its refresh and its webhook that share the key, found by the session', async () => {
    const env = { IDP_WEBHOOK_URL: `${peer.url}/idp` }
    await ann.run(renew, { ...held(), env })
    expect(peer.of('/idp').map(({ body }) => body)).toMatchObject([
      { event: 'GUEST_TOKEN_REFRESHED', guestSessionId: SESSION, syncedAt: expect.stringMatching(TIME) },
    ])
    const key = upstream.of(REFRESH)[0]?.headers['idempotency-key']
    const of = await records(` --guest ${SESSION}`)
    const { subject } = (await ann.runJson<{ subject: string }>(`guest show ${SESSION}`)).said
    expect(new Set(of.map((record) => record.subject))).toEqual(new Set([subject]))
    const facts = of.map(({ eventType, idempotencyKey, statusCode }) => [eventType, idempotencyKey, statusCode])
    expect(facts).toEqual([
      ['TOKEN_ADOPTED', null, null],
      ['REFRESH_INITIATED', key, null],
      ['REFRESH_COMPLETED', key, 200],
      ['WEBHOOK_SYNCED', key, 204],
    ])
    const took = of.filter(({ eventType }) => /COMPLETED|SYNCED/.test(eventType)).map(({ latencyMs }) => latencyMs)
    expect(took).toEqual([expect.any(Number), expect.any(Number)])
    await ann.expectFailure('audit tail --guest unknown', 2, 'guest_unknown')
    await ann.expectFailure('audit tail --guest=', 2, 'invalid_input')
  })

  it('waits as long as the upstream says within the patience, and fails at once with the time beyond it', async () => {
    const busy = (seconds: string) => ({ status: 429, body: {}, headers: { 'retry-after': seconds } })
    upstream.answers(REFRESH, busy('1'))
    const { code } = await ann.run(`${renew} --patience 5`, held())
    expect([code, upstream.of(REFRESH).length]).toEqual([0, 2])
    upstream.answers(REFRESH, busy('40'))
    const { said } = await ann.runJson<{ code: string; retryAt: string }>(`guest refresh ${SESSION}`)
    expect(said).toMatchObject({ code: 'upstream_busy', retryAt: expect.stringMatching(TIME) })
    expect(Date.parse(said.retryAt) - Date.now()).toBeGreaterThan(30_000)
    expect(upstream.of(REFRESH)).toHaveLength(3)
  })

  it('leaves a record with status, latency and the beginning of the answer where the upstream fails', async () => {
    upstream.answers(REFRESH, ...Array.from({ length: 4 }, () => ({ status: 500, body: 'stack: shard 7' })))
    const { err } = await ann.run(renew, held())
    expect(err).toContain('shard 7')
    const failed = await latest('REFRESH_FAILED')
    expect(failed).toMatchObject({
      statusCode: 500,
      latencyMs: expect.any(Number),
      data: { scopes: expect.any(Array) },
    })
    expect(failed?.error?.message).toContain('shard 7')
  })
})

describe('an authenticated guest', () => {
  const issue = `guest issue --api engagements --email ${EMAIL} --consent --channel web-1 --assurance verified`
  const puts = () =>
    upstream.came.filter(({ key }) => key.startsWith('PUT ')).map(({ body }) => JSON.parse(body) as object)

  beforeEach(() => {
    upstream.client.scopes = ['guest:write', 'guest:read']
  })

  it('comes with what the API answered, without its tokens', async () => {
    const { said } = await ann.runJson<{ guestId: string }>(issue)
    expect(said).toMatchObject({
      channelId: 'web-1',
      upstream: {
        guestId: said.guestId,
        email: EMAIL,
        consent: true,
        channelId: 'web-1',
        createdDate: '2026-01-01T00:00:00.000Z',
      },
    })
    expect(JSON.stringify(said)).not.toMatch(/eyJ|guest-refresh/)
    const { out } = await ann.run(`${issue} --on-duplicate reuse`)
    expect(out).toContain('createdDate 2026-01-01T00:00:00.000Z')
    expect(upstream.of(CREATE)[0]?.headers['x-genesys-request-id']).toMatch(UUID_V4)
  })

  it('has a record with consent, the end of its token and flags, and without the address', async () => {
    const { said } = await ann.runJson<{ guestId: string; expiresAt: string }>(issue)
    const record = (await records(` --guest ${said.guestId}`)).find(
      ({ eventType }) => eventType === 'guest.authentication',
    )
    expect(record).toMatchObject({
      outcome: 'success',
      latencyMs: expect.any(Number),
      data: {
        channelId: 'web-1',
        consent: true,
        consentTimestamp: expect.stringMatching(TIME),
        tokenExpiry: said.expiresAt,
        complianceFlags: { gdprConsentRecorded: true, dataMinimizationApplied: true, auditTrailGenerated: true },
      },
    })
  })

  it.each(['reuse', 'replace'])('brings its attributes and its consent to a session that is there: %s', async (how) => {
    await ann.run(`${issue} --attribute plan=pro --attribute seat=7`)
    const { code } = await ann.run(`${issue} --attribute plan=GOLD --on-duplicate ${how}`)
    expect(code).toBe(0)
    const [first, second, ...more] = puts() as { attributes: Record<string, string> }[]
    expect(more).toEqual([])
    expect(second?.attributes).toMatchObject({
      plan: 'GOLD',
      seat: '7',
      authMethod: 'guest-api',
      sessionVersion: '1.0',
      consentTimestamp: expect.stringMatching(TIME),
    })
    expect(second?.attributes['consentTimestamp']).not.toBe(first?.attributes['consentTimestamp'])
    expect(await latest('guest.authentication')).toMatchObject({
      data: { consentTimestamp: second?.attributes['consentTimestamp'] },
    })
  })

  it('brings them also to a session that was given up and is taken over', async () => {
    await ann.run(`${issue} --attribute plan=pro`)
    await ann.run(`guest invalidate --email ${EMAIL} --channel web-1`)
    expect((await ann.run(`${issue} --attribute plan=GOLD --on-duplicate replace`)).code).toBe(0)
    expect(puts().at(-1)).toMatchObject({ attributes: { plan: 'GOLD' } })
  })
})

describe('a connection that is signed in by a refresh token of the environment', () => {
  const env = () => ({
    GENESYS_ENV: 'mypurecloud.com',
    GENESYS_REFRESH_TOKEN: 'user-refresh-1',
    IDM_WEBHOOK_URL: `${peer.url}/idm`,
  })

  beforeEach(() => {
    upstream.client.scopes = ['externalusers:write', 'webmessaging:guest:create']
  })

  it('sends identity management each renewal with the time as a number, and reports it as a refresh', async () => {
    expect((await ann.run('token', { env: env() })).code).toBe(0)
    expect(peer.of('/idm').map(({ body }) => body)).toEqual([
      { clientId: 'tutorial-client', timestamp: expect.any(Number), latencyMs: expect.any(Number), success: true },
    ])
    const [sent] = peer.of('/idm').map(({ body }) => Number((body as { timestamp?: unknown }).timestamp))
    expect([Number.isInteger(sent), Math.abs(Date.now() - (sent ?? 0)) < 60_000]).toEqual([true, true])
    const { said } = await ann.runJson<Record<string, number>>('report')
    expect(said).toMatchObject({
      totalRequests: 1,
      successfulRefreshes: 1,
      failedRefreshes: 0,
      validityRatePercent: 100,
    })
    expect(said['totalLatencyMs']).toBe(said['avgLatencyMs'])
    expect((await ann.runJson('report --since 2000-01-01')).said).toMatchObject({ totalRequests: 1 })
    expect((await ann.runJson('report --since 2999-01-01')).said).toMatchObject({ totalRequests: 0 })
    expect((await ann.run('report')).out).toContain('refreshes: 1 done, 0 failed')
    await ann.expectFailure('report --since yesterday', 2, 'invalid_input')
  })

  it('names the command that signs in again once the sign-in has ended', async () => {
    upstream.answers(USER_TOKEN, { status: 401, body: { error: 'invalid_grant' } })
    const { text, problem } = await ann.expectFailure('token', 3, 'needs_reauth', { env: env() })
    for (const said of [text, problem.detail]) {
      expect(said).toContain('`guestpass login`')
      expect(said).toContain('`guestpass login --device`')
    }
    expect((await ann.runJson('report')).said).toMatchObject({ successfulRefreshes: 0, failedRefreshes: 1 })
    const ended = { env: { ...env(), GENESYS_REFRESH_TOKEN: '' } }
    expect((await ann.run('doctor', ended)).out).toContain('`guestpass login`')
    expect((await ann.run('connections show', ended)).out).toContain('`guestpass login`')
  })

  it('names client and sign-in where a refresh is refused and the upstream does not say why', async () => {
    const refused = { status: 401, body: { error: 'unauthorized', error_description: 'refresh token expired' } }
    upstream.answers(USER_TOKEN, ...Array.from({ length: 4 }, () => refused))
    const { err } = await ann.run('token', { env: env() })
    expect(err).toContain('[client_rejected]')
    expect(err).toContain('GENESYS_CLIENT_SECRET')
    expect(err).toContain('sign in again')
    expect(await latest('ACCESS_TOKEN_FAILED')).toMatchObject({
      statusCode: 401,
      latencyMs: expect.any(Number),
      data: { grant: 'refresh_token' },
    })
  })

  it('makes an external user and hands on what the API answered', async () => {
    const line = `guest issue --api external-users --email ${EMAIL} --name Ann --attribute plan=gold`
    const { said } = await ann.runJson<{ guestId: string }>(line, { env: env() })
    expect(JSON.parse(upstream.of(USERS)[0]?.body ?? '')).toEqual({
      name: 'Ann',
      email: EMAIL,
      customAttributes: { plan: 'gold' },
    })
    expect(said).toMatchObject({
      upstream: {
        id: said.guestId,
        name: 'Ann',
        email: EMAIL,
        createdDate: '2026-01-01T00:00:00.000Z',
        updatedDate: '2026-01-02T00:00:00.000Z',
        selfUri: `/api/v2/externalusers/guests/${said.guestId}`,
      },
    })
  })
})

describe('an external user for whom no user is signed in', () => {
  it('is refused with the command that signs one in, and no setting is blamed', async () => {
    const { text } = await ann.expectFailure(
      `guest issue --api external-users --email ${EMAIL} --name Ann`,
      3,
      'needs_reauth',
    )
    expect(text).toContain('`guestpass login`')
    expect(text).not.toContain('GENESYS_SCOPES')
  })
})
