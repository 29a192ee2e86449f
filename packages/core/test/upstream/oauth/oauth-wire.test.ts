import { describe, expect, it } from 'vitest'
import { Secret } from '../../../src/domain/secret.ts'
import { GuestpassError } from '../../../src/domain/errors.ts'
import { retry } from '../../../src/policy/retry.ts'
import type { HttpRequest } from '../../../src/ports/http.ts'
import { fakeClock, seededRandom } from '../../../src/testing/index.ts'
import type { OAuth } from '../../../src/upstream/oauth/oauth-api.ts'
import { createOAuth } from '../../../src/upstream/oauth/provider.ts'
import { authorizeUrl } from '../../../src/upstream/oauth/wire.ts'
import { answerOf, type Exchange, expectSame, names, read, samples, values } from '../wire-fixtures.ts'

const LOGIN = 'https://login.example.com'
const API = 'https://api.example.com'
const secret = (text: string | undefined): Secret => new Secret(text ?? '')
const scopesIn = (text: string | undefined): readonly string[] => text?.split(' ') ?? []

const endpoints = {
  clientToken: `${LOGIN}/oauth/token`,
  userToken: `${LOGIN}/api/v2/oauth/token`,
  authorize: `${LOGIN}/api/v2/oauth/authorize`,
  device: `${LOGIN}/oauth/device_authorization`,
  revocation: `${LOGIN}/oauth/revoke`,
}

/** The provider for the client of an exchange over its answer, with what was sent. */
function over({ request: { headers }, answer }: Exchange) {
  const sent: HttpRequest[] = []
  const clock = fakeClock()
  const http = async (request: HttpRequest) => {
    request.onSend?.()
    sent.push(request)
    return answerOf(answer)
  }
  const isOwn = headers['authorization']?.startsWith('Basic ') === true
  const { clientId = '', publicClientId = '', clientSecret } = values
  const api = createOAuth(
    {
      connection: 'default',
      server: {
        endpoint: async (name) => endpoints[name],
        metadata: async () => undefined,
        expected: async () => ({ namesIssuer: false }),
        jwksUrl: async () => '',
      },
      api: API,
      client: isOwn ? { id: clientId, secret: secret(clientSecret) } : { id: publicClientId },
      clientAuth: isOwn ? 'basic' : 'auto',
      platform: false,
      endsByApi: false,
    },
    retry({ retries: 0 }, { clock, random: seededRandom() }),
    { http, clock },
    { recall: async () => undefined, remember: async () => {} },
  )
  return { api, sent }
}

/** Sends what an exchange asks for, as the library would. */
function asked(api: OAuth, { request: { path, headers, body = {} } }: Exchange): Promise<unknown> {
  const {
    grant_type,
    code,
    code_verifier,
    redirect_uri = '',
    refresh_token,
    scope,
    device_code,
    token,
  } = body as Readonly<Record<string, string>>
  if (path.endsWith('/users/me')) return api.identity(secret(headers['authorization']?.replace('Bearer ', '')))
  if (path.endsWith('/revoke')) return api.revoke({ access: secret('access'), refresh: secret(token) })
  if (path.endsWith('/device_authorization')) return api.deviceCode(scopesIn(scope))
  const hooks = { onSend() {} }
  if (grant_type === 'refresh_token') {
    const fewer = scope === undefined ? {} : { scopes: scopesIn(scope) }
    return api.refresh(secret(refresh_token), { ...fewer, mayRepeat: () => false, hooks })
  }
  if (device_code !== undefined) return api.deviceToken(secret(device_code), hooks)
  return api.exchange({ code: secret(code), verifier: secret(code_verifier), redirectUri: redirect_uri, hooks })
}

/** What came of it: the answer in our words, or the code of the error. */
const outcome = (asking: Promise<unknown>): Promise<unknown> =>
  asking.catch((thrown: unknown) => (thrown instanceof GuestpassError ? thrown.code : String(thrown)))

const granted = (...scopes: readonly string[]) => ({ lifetime: 3_600_000, scopes, status: 200 })

const outcomes: Readonly<Record<string, unknown>> = {
  'authorization-code': granted('user:read', 'openid'),
  'authorization-code-wrong-verifier': 'sign_in_refused',
  'device-authorization': {
    userCode: LOGIN,
    verificationUri: `${LOGIN}/device`,
    lifetimeMs: 600_000,
    intervalMs: 5_000,
  },
  'device-code-pending': { is: 'pending' },
  'device-code-unknown': 'sign_in_refused',
  'refresh-token': granted('user:read', 'openid'),
  'refresh-token-basic': granted('user:read'),
  'refresh-token-scope-excess': 'scope_missing',
  'refresh-token-subset': granted('user:read'),
  'refresh-token-unknown': 'needs_reauth',
  revoke: 'done',
  'users-me': { user: samples['uuid'] },
  'users-me-no-user': 'upstream_rejected',
}

describe('answers in an unusual form', () => {
  const answered = (name: string, body: object, status = 200) => {
    const exchange = read(`oauth/${name}.json`)
    const answer = { status, headers: { 'content-type': 'text/plain' }, body }
    return outcome(asked(over({ ...exchange, answer }).api, exchange))
  }
  const device = { device_code: 'd', user_code: 'AB-CD', verification_uri: `${LOGIN}/device` }

  it.each<[string, object, object]>([
    ['no numbers', {}, { lifetimeMs: 600_000, intervalMs: 5_000 }],
    ['numbers as text', { expires_in: '300', interval: '7' }, { lifetimeMs: 300_000, intervalMs: 7_000 }],
    ['null', { expires_in: null, interval: null }, { lifetimeMs: 600_000, intervalMs: 5_000 }],
    ['nonsense', { expires_in: {}, interval: 'soon' }, { lifetimeMs: 600_000, intervalMs: 5_000 }],
    ['negative numbers', { expires_in: -1, interval: -1 }, { lifetimeMs: 600_000, intervalMs: 5_000 }],
    ['nothing', { expires_in: 0, interval: 0 }, { lifetimeMs: 600_000, intervalMs: 1_000 }],
    ['a life of seven days', { expires_in: 604_800 }, { lifetimeMs: 86_400_000 }],
    ['an empty address', { verification_uri_complete: '' }, { userCode: 'AB-CD' }],
  ])('a device learns its code beside %s', async (_, body, learned) => {
    const came = await answered('device-authorization', { ...device, ...body })
    expect(came).toMatchObject(learned)
    expect(came).not.toHaveProperty('verificationUriComplete')
  })

  it('a device is sent to pages alone, never to a script', async () => {
    const script = 'javascript:alert(1)'
    const came = await answered('device-authorization', { ...device, verification_uri_complete: script })
    expect(JSON.stringify(came)).not.toContain('javascript')
    expect(await answered('device-authorization', { ...device, verification_uri: script })).toBe('upstream_garbled')
  })

  it('a device is sent to the address also under the name of the drafts', async () => {
    const { verification_uri: verification_url, ...rest } = device
    const came = await answered('device-authorization', { ...rest, verification_url })
    expect(came).toMatchObject({ verificationUri: device.verification_uri })
  })

  it.each<[string, object, unknown]>([
    ['device-authorization', { error: 'invalid_client' }, 'client_rejected'],
    ['device-code-pending', { error: 'authorization_pending' }, { is: 'pending' }],
    ['device-code-pending', { error: 'slow_down' }, { is: 'slow_down' }],
    ['device-code-pending', { error: 'access_denied' }, 'sign_in_denied'],
    ['device-code-pending', { error: 'expired_token' }, 'sign_in_refused'],
    ['authorization-code', { error: 'invalid_grant' }, 'sign_in_refused'],
    ['refresh-token', { error: 'invalid_grant' }, 'needs_reauth'],
    ['refresh-token', { error: 'invalid_client' }, 'client_rejected'],
    ['refresh-token', { error: 'server_error' }, 'in_doubt'],
    ['revoke', { error: 'invalid_client' }, 'client_rejected'],
    ['revoke', {}, 'done'],
  ])('%s: %j with status 200 is what it says', async (name, body, expected) =>
    expect(await answered(name, body)).toEqual(expected),
  )
})

it.each([404, 405])('an endpoint that answers %i is reported as missing', async (status) => {
  const exchange = read('oauth/refresh-token.json')
  const { api } = over({ ...exchange, answer: { ...exchange.answer, status, body: {} } })
  await expect(asked(api, exchange)).rejects.toThrow(/no such endpoint.*Check `hosts\.oauthBaseUrl`/)
})

describe('the exchanges of users on the wire', () => {
  it('are all replayed but those that the library never sends', () => {
    const users = names('oauth').filter((name) => /authoriz|device|refresh|revoke|-me/.test(name))
    const replayed = Object.keys(outcomes).map((name) => `oauth/${name}.json`)
    const others = users.filter((name) => !replayed.includes(name))
    expect(others.filter((name) => !/authorize|tokens-me/.test(name))).toEqual([])
    for (const name of replayed) expect(users).toContain(name)
  })

  it.each(Object.entries(outcomes))('%s', async (name, expected) => {
    // Where upstream shows an address, the fixture has the marker of any text.
    const exchange = read(`oauth/${name}.json`, name === 'device-authorization' ? { text: LOGIN } : {})
    const { api, sent } = over(exchange)
    const came = await outcome(asked(api, exchange))
    if (typeof expected === 'string') expect(came).toBe(expected)
    else expect(came).toMatchObject(expected as object)
    expect(sent).toHaveLength(1)
    expectSame(sent[0] as HttpRequest, exchange.request)
  })

  it.each(['authorization-code', 'refresh-token'])('%s: the tokens are those of the answer', async (name) => {
    const exchange = read(`oauth/${name}.json`)
    const came = (await asked(over(exchange).api, exchange)) as Readonly<Record<string, Secret | undefined>>
    const hasId = name === 'authorization-code'
    expect([came['access'], came['refresh'], came['idToken']].map((one) => one?.reveal())).toEqual([
      samples['jwt'],
      samples['text'],
      hasId ? samples['jwt'] : undefined,
    ])
  })

  it('authorize: a browser is sent with what the contract says', () => {
    const { path } = read('oauth/authorize.json').request
    const wanted = new URL(path, LOGIN)
    const url = authorizeUrl(`${LOGIN}${wanted.pathname}`, values['publicClientId'] ?? '', {
      redirectUri: values['redirectUri'] ?? '',
      scopes: ['user:read', 'openid'],
      state: 'xyz',
      challenge: values['codeChallenge'] ?? '',
    })
    const { origin, pathname, searchParams } = new URL(url)
    expect([origin, pathname]).toEqual([wanted.origin, wanted.pathname])
    expect(Object.fromEntries(searchParams)).toEqual(Object.fromEntries(wanted.searchParams))
  })
})
