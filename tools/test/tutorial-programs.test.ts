import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { type Receiver, receiver, WEBHOOK_SECRET } from '../../packages/cli/test/e2e/receiver.ts'
import { freePort } from '../free-port.ts'
import {
  AUTHORIZE,
  CHANNEL,
  CHANNELS,
  CREATE,
  CRM,
  CUSTOMER,
  GENERATE,
  KEYS,
  REFRESH,
  SESSION,
  SUB,
  TOKEN,
  type TutorialUpstream,
  tutorialUpstream,
  USER_TOKEN,
  USERS,
} from '../../packages/cli/test/upstream/tutorial-upstream.ts'
import { pageOf } from './page.ts'
import { type PageProgram, type ProgramFolder, programFolder, programsOf, type Running } from './page-program.ts'

const page = pageOf('docs/from-the-tutorials.md')
const programs = programsOf(page)
const programOf = (file: string): PageProgram => {
  const program = programs.get(file)
  if (!program) throw new Error(`the page has no ${file}`)
  return program
}

const UUID_V4 = /^[\da-f]{8}-[\da-f]{4}-4[\da-f]{3}-[89ab][\da-f]{3}-[\da-f]{12}$/
const WRONG_SECRET = 'wrong-secret-1f0a'

let upstream: TutorialUpstream
let peer: Receiver
let folder: ProgramFolder
let env: Readonly<Record<string, string>>

beforeEach(async () => {
  upstream = await tutorialUpstream()
  peer = await receiver()
  env = {
    GENESYS_BASE_URL: upstream.url,
    GENESYS_CLIENT_ID: upstream.client.id,
    GENESYS_CLIENT_SECRET: upstream.client.secret,
    WEBHOOK_SECRET,
  }
})
afterEach(async () => {
  const secrets = [upstream.client.secret, WRONG_SECRET, WEBHOOK_SECRET, CUSTOMER.email, 'user-refresh-']
  const leaked = folder.leaks([...secrets, ...upstream.given])
  folder.remove()
  await Promise.all([upstream.close(), peer.close()])
  expect(leaked).toEqual([])
})

const keys = () => upstream.came.map(({ key }) => key)
const formsOf = (key: string) => upstream.of(key).map(({ body }) => Object.fromEntries(new URLSearchParams(body)))
const bodiesOf = (key: string) => upstream.of(key).map(({ body }) => JSON.parse(body) as Record<string, unknown>)

interface AuditRecord {
  readonly eventType: string
  readonly statusCode: number | null
  readonly idempotencyKey: string | null
  readonly data: Readonly<Record<string, unknown>>
}
const recordsIn = (out: string): readonly AuditRecord[] =>
  out.split('\n').flatMap((line) => (line.startsWith('{"timestamp"') ? [JSON.parse(line) as AuditRecord] : []))

/** Runs the program of the folder, which must succeed without a word of warning. */
async function succeeds(args: readonly string[] = [], more: Readonly<Record<string, string>> = {}): Promise<string> {
  const { code, out, err } = await folder.run(args, { ...env, ...more })
  expect([code, err.replace(/^guestpass: made the encryption key .*\n/, '')]).toEqual([0, ''])
  return out
}

/** Runs it; it must fail with this error. Gives what it said. */
async function fails(error: string, args: readonly string[], more: Readonly<Record<string, string>>): Promise<string> {
  const { code, err } = await folder.run(args, { ...env, ...more })
  expect([code, err]).toEqual([1, expect.stringMatching(`code: '\\w*${error}'`)])
  return err
}

/** Checks that the usual mistakes end in a message that says what to do. `args`: those of a first run. */
async function saysWhatIsWrong(args: readonly string[]): Promise<void> {
  const of = (ending: RegExp, value: string) =>
    Object.fromEntries(Object.keys(env).flatMap((name) => (ending.test(name) ? [[name, value]] : [])))
  const [unset, refused, down] = await Promise.all([
    fails('config_invalid', args, of(/CLIENT_ID$|GENESYS_\w*BASE_URL$/, '')),
    fails('client_rejected', args, { ...of(/CLIENT_SECRET$/, WRONG_SECRET), GUESTPASS_DATABASE_URL: 'refused.db' }),
    fails('_unavailable', args, of(/GENESYS_\w*BASE_URL$/, 'http://127.0.0.1:9')),
  ])
  expect(unset).toMatch(/clientId: is not set\. .*GENESYS_CLIENT_ID/)
  expect(unset).toMatch(/region: is not set.*baseUrl/)
  expect(refused).toContain('Check GENESYS_CLIENT_ID and GENESYS_CLIENT_SECRET')
  expect(down).toMatch(/(cannot reach|The signing keys of) 127\.0\.0\.1:9 .*Check/i)
}

describe('refresh.mts', () => {
  const held = (claims = {}) => upstream.jwt({ sub: SUB, scope: 'webmessaging:guest:send', ...claims })

  beforeEach(() => {
    folder = programFolder(programOf('refresh.mts'), ['guestpass'])
    upstream.client.scopes = ['webmessaging:guesttoken:write']
    env = { ...env, GENESYS_PUBLIC_KEY: upstream.publicKey, IDP_WEBHOOK_URL: `${peer.url}/idp` }
  })

  it('verifies the held token, refreshes it under one key over all tries, and informs the identity provider', async () => {
    upstream.answers(REFRESH, { status: 429, body: {}, headers: { 'retry-after': '1' } }, { status: 503, body: {} })
    const token = held()
    const out = await succeeds([SESSION, token, SUB], { IDP_WEBHOOK_INCLUDE_TOKEN: 'true' })
    expect(keys()).toEqual([TOKEN, REFRESH, REFRESH, REFRESH])
    expect(formsOf(TOKEN)).toEqual([
      {
        grant_type: 'client_credentials',
        client_id: upstream.client.id,
        client_secret: upstream.client.secret,
        scope: 'webmessaging:guesttoken:write',
      },
    ])
    expect(bodiesOf(REFRESH)).toEqual([{}, {}, {}])
    const [key, ...others] = upstream.of(REFRESH).map(({ headers }) => headers['idempotency-key'])
    expect([key, others]).toEqual([expect.stringMatching(UUID_V4), [key, key]])
    expect(peer.of('/idp').map(({ body }) => body)).toEqual([
      {
        event: 'GUEST_TOKEN_REFRESHED',
        guestSessionId: SESSION,
        newToken: upstream.given.at(-1),
        syncedAt: expect.any(String),
        generation: 2,
      },
    ])
    const refreshes = recordsIn(out).filter(({ eventType }) => /^REFRESH_|^WEBHOOK_/.test(eventType))
    expect(refreshes).toMatchObject([
      { eventType: 'REFRESH_INITIATED', idempotencyKey: key },
      { eventType: 'REFRESH_COMPLETED', idempotencyKey: key, statusCode: 200, latencyMs: expect.any(Number) },
      { eventType: 'WEBHOOK_SYNCED', idempotencyKey: key, statusCode: 204 },
    ])
    expect(out).toMatch(/generation 2, valid until \d{4}-/)
    expect(out).toMatch(/successfulRefreshes: 1,\s+failedRefreshes: 0/)
  })

  it('needs the session alone the next time, and no other access token', async () => {
    await succeeds([SESSION, held(), SUB])
    expect(await succeeds([SESSION])).toContain('generation 3')
    expect(keys()).toEqual([TOKEN, REFRESH, REFRESH])
    expect(new Set(upstream.of(REFRESH).map(({ headers }) => headers['idempotency-key'])).size).toBe(2)
  })

  it('asks the key-set about a token that the given key does not fit', async () => {
    const keySet = { GENESYS_PUBLIC_KEY: upstream.formerKey, GENESYS_JWKS_URL: `${upstream.url}/.well-known/jwks.json` }
    expect(await succeeds([SESSION, held(), SUB], keySet)).toContain('generation 2')
    expect(keys()).toEqual([KEYS, TOKEN, REFRESH])
  })

  it('refuses a token that is forged, of another subject or long over, and sends nothing', async () => {
    const forged = held().replace(/.{8}$/, 'AAAAAAAA')
    expect(await fails('token_invalid', [SESSION, forged, SUB], {})).toContain('is not valid (signature)')
    expect(await fails('token_invalid', [SESSION, held()], {})).toContain('subject')
    expect(await fails('token_invalid', [SESSION, held({ exp: 1_000 }), SUB], {})).toContain('expired')
    expect(keys()).toEqual([])
  })

  it('says what is wrong', () => saysWhatIsWrong([SESSION, held(), SUB]))
})

describe('mint.mts', () => {
  beforeEach(() => {
    folder = programFolder(programOf('mint.mts'), ['guestpass'])
    upstream.client.scopes = ['webmessaging:guest:create']
    const { GENESYS_BASE_URL: url = '', GENESYS_CLIENT_ID: id = '', GENESYS_CLIENT_SECRET: secret = '' } = env
    // The names that this tutorial has.
    env = {
      GENESYS_OAUTH_BASE_URL: url,
      GENESYS_API_BASE_URL: url,
      GENESYS_OAUTH_CLIENT_ID: id,
      GENESYS_OAUTH_CLIENT_SECRET: secret,
    }
  })

  it('mints a verified token, and hands out the stored one the next time', async () => {
    const out = await succeeds()
    expect(keys().toSorted()).toEqual([KEYS, GENERATE, TOKEN].toSorted())
    expect(formsOf(TOKEN)).toMatchObject([{ scope: 'webmessaging:guest:create' }])
    const [body] = bodiesOf(GENERATE)
    expect(body).toEqual({
      guestId: expect.stringMatching(UUID_V4),
      expirationDurationSeconds: 7_200,
      scopes: ['webmessaging:guest:send', 'webmessaging:guest:receive'],
    })
    const guestId = String(body?.['guestId'])
    expect(out).toMatch(/issued: gp_….{4} after \d+ ms, 100 % succeeded so far/)
    expect(out).toContain(`guest ${guestId}, valid until`)
    expect(recordsIn(out).map(({ eventType }) => eventType)).toEqual(
      expect.arrayContaining(['TOKEN_REQUEST_INITIATED', 'TOKEN_GENERATED_SUCCESS']),
    )
    expect(await succeeds([guestId])).toContain(`guest ${guestId}, valid until`)
    expect(keys()).toHaveLength(3)
  })

  it('repeats after a 429 and a lost connection', async () => {
    upstream.answers(GENERATE, { status: 429, body: {}, headers: { 'retry-after': '1' } }, { status: 502, body: {} })
    await succeeds()
    expect(upstream.of(GENERATE)).toHaveLength(3)
    expect(new Set(bodiesOf(GENERATE).map(({ guestId }) => guestId)).size).toBe(1)
  })

  it('gives out no token whose subject or signature is wrong', async () => {
    upstream.answers(GENERATE, { status: 200, body: { token: upstream.jwt({ sub: SUB }) } })
    expect(await fails('token_refused', [], {})).toContain('sub')
  })

  it('says what is wrong', () => saysWhatIsWrong([]))
})

describe('authenticate.mts', () => {
  const ann = [CUSTOMER.email, CHANNEL, 'Ann']
  const puts = () =>
    upstream.came.filter(({ key }) => key.startsWith('PUT ')).map(({ body }) => JSON.parse(body) as object)

  beforeEach(() => {
    folder = programFolder(programOf('authenticate.mts'), ['guestpass'])
    upstream.client.scopes = ['guest:write', 'guest:read']
    env = { ...env, CRM_BASE_URL: `${upstream.url}/crm`, ANALYTICS_WEBHOOK_URL: `${peer.url}/analytics` }
  })

  it('makes one guest of a person, with what the CRM knows, and informs analytics', async () => {
    const out = await succeeds(ann)
    expect(
      keys()
        .filter((key) => !key.startsWith('PUT '))
        .toSorted(),
    ).toEqual([TOKEN, CHANNELS, CREATE, CRM, KEYS].toSorted())
    expect(formsOf(TOKEN)).toMatchObject([{ scope: 'guest:write guest:read' }])
    expect(bodiesOf(CREATE)).toMatchObject([{ email: CUSTOMER.email, consent: true, channelId: CHANNEL, name: 'Ann' }])
    expect(puts()).toMatchObject([
      {
        attributes: {
          plan: 'pro',
          customerId: CUSTOMER.customerId,
          tier: 'gold',
          authMethod: 'guest-api',
          sessionVersion: '1.0',
        },
      },
    ])
    const [, guestId = ''] = /guest ([\da-f-]{36}), tier gold/.exec(out) ?? []
    expect(peer.of('/analytics').map(({ body }) => body)).toMatchObject([
      { guestId, email: CUSTOMER.email, channelId: CHANNEL, crmTier: 'gold', authLatencyMs: expect.any(Number) },
    ])
    const record = recordsIn(out).find(({ eventType }) => eventType === 'guest.authentication')
    expect(record?.data['complianceFlags']).toEqual({
      gdprConsentRecorded: true,
      dataMinimizationApplied: true,
      auditTrailGenerated: true,
    })

    expect(await succeeds(['Ann.Example@mail.example', ...ann.slice(1)])).toContain(`guest ${guestId}`)
    expect([upstream.of(TOKEN).length, upstream.of(CREATE).length, puts().length]).toEqual([1, 1, 2])
  })

  it('makes the guest though CRM and analytics fail, and names a channel that is not there', async () => {
    upstream.answers(CRM, { status: 500, body: 'down' })
    peer.answers({ status: 500 })
    expect(await succeeds(ann)).toContain('tier undefined')
    const text = await fails('channel_unavailable', ['bo@mail.example', 'web-2'], {})
    expect(text).toContain('The channel is the cause')
    expect(upstream.of(CREATE)).toHaveLength(1)
  })

  it('says what is wrong', async () => {
    await saysWhatIsWrong(ann)
    const text = await fails('invalid_input', ['ann@', '', 'Ann'], {})
    expect(text).toContain('email: not an address; channelId: not the id of a channel')
  })
})

describe('renew.mts', () => {
  const scopes = ['user:read', 'analytics:conversations:read']

  beforeEach(() => {
    folder = programFolder(programOf('renew.mts'), ['guestpass'])
    upstream.client.userScopes = scopes
    upstream.client.accessTokens = 'jwt'
    env = { ...env, GENESYS_REFRESH_TOKEN: 'user-refresh-1', IDM_WEBHOOK_URL: `${peer.url}/idm` }
  })

  it('renews by the refresh token, verifies, informs identity management, and uses the stored token the next time', async () => {
    const out = await succeeds()
    expect(keys()).toEqual([USER_TOKEN, KEYS])
    expect(formsOf(USER_TOKEN)).toMatchObject([
      { grant_type: 'refresh_token', refresh_token: 'user-refresh-1', scope: scopes.join(' ') },
    ])
    expect(out).toContain(`generation 1: ${scopes.join(' ')}, valid until`)
    expect(out).toMatch(/totalRequests: 1,\s+successfulRefreshes: 1,\s+failedRefreshes: 0,\s+validityRatePercent: 100/)
    expect(peer.of('/idm').map(({ body }) => body)).toEqual([
      { clientId: upstream.client.id, timestamp: expect.any(Number), latencyMs: expect.any(Number), success: true },
    ])
    expect(await succeeds()).toContain('generation 1')
    expect(keys()).toHaveLength(2)
  })

  it('waits as long as a 429 says, and sends the same refresh token', async () => {
    upstream.answers(USER_TOKEN, { status: 429, body: {}, headers: { 'retry-after': '1' } })
    await succeeds()
    expect(formsOf(USER_TOKEN).map((form) => form['refresh_token'])).toEqual(['user-refresh-1', 'user-refresh-1'])
  })

  it('names scopes that are missing, and says when to sign in again', async () => {
    upstream.client.userScopes = ['user:read']
    expect(await fails('scope_missing', [], {})).toContain('analytics:conversations:read')
    const ended = { GENESYS_REFRESH_TOKEN: 'user-refresh-9', GUESTPASS_DATABASE_URL: 'another.db' }
    expect(await fails('needs_reauth', [], ended)).toContain('Sign in again with: npx guestpass login')
  })

  it('says what is wrong', () => saysWhatIsWrong([]))
})

describe('identity-provider.mts', () => {
  const scopes = ['webmessaging:guest:create', 'externalusers:write']
  const ann = { email: CUSTOMER.email, name: 'Ann' }
  let site: string
  let running: Running

  const ask = (body: object) =>
    fetch(`${site}/guests`, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify(body),
    })
  const asked = async (body: object) => (await ask(body)).json() as Promise<Readonly<Record<string, unknown>>>

  async function started(): Promise<void> {
    running = folder.start([], { ...env, PORT: new URL(site).port })
    await running.until(/\/sign-in$/m)
  }
  async function stopped(): Promise<string> {
    running.stop()
    const { code, err } = await running.ended
    expect(code).toBe(0)
    return err
  }

  beforeEach(async () => {
    folder = programFolder(programOf('identity-provider.mts'), ['guestpass', 'express'])
    upstream.client.userScopes = scopes
    site = `http://127.0.0.1:${await freePort()}`
  })

  it('signs a user in for the browser that began, makes guests, and goes on after a restart', async () => {
    await started()
    expect(await asked(ann)).toMatchObject({ code: 'needs_reauth' })
    const begun = await fetch(`${site}/sign-in`, { redirect: 'manual' })
    const [cookie = ''] = begun.headers.get('set-cookie')?.split(';') ?? []
    const sent = await fetch(begun.headers.get('location') ?? '', { redirect: 'manual' })
    const callback = sent.headers.get('location') ?? ''
    expect(await (await fetch(callback)).json()).toMatchObject({ code: 'sign_in_refused', reason: 'browser' })
    const forged = callback.replace(/state=[^&]+/, 'state=another')
    expect(await (await fetch(forged, { headers: { cookie } })).json()).toMatchObject({ reason: 'state' })
    expect(upstream.of(USER_TOKEN)).toEqual([])
    expect(await (await fetch(callback, { headers: { cookie } })).text()).toBe(`Signed in: ${scopes.join(' ')}`)
    const [query] = upstream.of(AUTHORIZE).map((request) => Object.fromEntries(request.query))
    expect(query).toMatchObject({ scope: scopes.join(' '), code_challenge_method: 'S256' })
    expect(formsOf(USER_TOKEN)).toMatchObject([
      { grant_type: 'authorization_code', redirect_uri: `${site}/callback`, code_verifier: expect.any(String) },
    ])

    const guest = await asked(ann)
    expect(guest).toMatchObject({ token: expect.stringMatching(/^eyJ/), expiresAt: expect.any(Number) })
    expect(await asked({ ...ann, email: 'no address' })).toMatchObject({ code: 'invalid_input', fields: [{}] })
    expect(bodiesOf(USERS)).toEqual([ann])
    const err = await stopped()
    expect(err).toContain('no user is signed in')

    await started()
    expect(await asked(ann)).toMatchObject({ guestId: guest['guestId'] })
    expect(await asked({ email: 'bo@mail.example', name: 'Bo' })).toMatchObject({ guestId: expect.any(String) })
    expect([upstream.of(USER_TOKEN).length, upstream.of(USERS).length]).toEqual([1, 2])
    expect(await stopped()).toBe('')
  })
})
