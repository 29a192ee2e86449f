import { describe, expect, it } from 'vitest'
import type { ConnectionOptions } from '../../../src/connection/connection.ts'
import { HOUR, MINUTE } from '../../../src/domain/time.ts'
import { type HttpAnswer, HttpFault, type HttpRequest } from '../../../src/ports/http.ts'
import { type HostInput, resolveHosts } from '../../../src/upstream/hosts.ts'
import { json } from '../../world/fake-upstream.ts'
import { outcome, advanceUntil, refusal, type World, world } from '../../world/world.ts'

const ISSUER = 'https://id.example.com/tenant'
const OIDC = `${ISSUER}/.well-known/openid-configuration`
const RFC8414 = 'https://id.example.com/.well-known/oauth-authorization-server/tenant'
const DOCUMENT = {
  issuer: ISSUER,
  token_endpoint: `${ISSUER}/t`,
  authorization_endpoint: `${ISSUER}/auth`,
  device_authorization_endpoint: `${ISSUER}/device/auth`,
  revocation_endpoint: `${ISSUER}/token/revocation`,
  jwks_uri: `${ISSUER}/jwks`,
}
const callback = { redirectUri: 'http://127.0.0.1/cb' }

/** A provider that serves these documents, counts what it is asked, and grants tokens at `/t`. */
function provider(documents: Readonly<Record<string, HttpAnswer>> = { [OIDC]: json(200, DOCUMENT) }) {
  const here = world()
  const asked: string[] = []
  const serving = { documents, isDown: false }
  const http = async (request: HttpRequest): Promise<HttpAnswer> => {
    request.onSend?.()
    asked.push(request.url)
    if (serving.isDown) throw new HttpFault('unsent', 'refused')
    const found = serving.documents[request.url]
    if (found) return found
    return request.url.endsWith('/t')
      ? json(200, { access_token: `at-${asked.length}`, expires_in: 3_600 })
      : json(404, { error: 'not found' })
  }
  const open = (input: HostInput = {}, options: Partial<ConnectionOptions> = {}) =>
    here.process({ hosts: resolveHosts({ issuer: ISSUER, ...input }), ...options }, { http })
  return { here, asked, serving, open }
}

const wellKnown = (asked: readonly string[]): readonly string[] => asked.filter((url) => url.includes('/.well-known/'))

/** Where a sign-in sends the browser, without its query. */
async function authorizeOf(of: ReturnType<typeof provider>, input: HostInput = {}): Promise<string> {
  const { signIn } = await of.open(input)
  const { url } = await signIn.begin(callback)
  return url.split('?')[0] ?? ''
}

const day = async ({ clock }: World): Promise<void> => {
  for (let hours = 0; hours < 25; hours += 1) await clock.advance(HOUR)
}

describe('discovery', () => {
  it('names the setting to look at where neither place has a document', async () => {
    const { accessTokens } = await provider({}).open()
    await expect(accessTokens.token()).rejects.toThrow(
      /answered 404 in both places of a discovery document\. Check that `hosts\.issuer` is the issuer/,
    )
  })

  it('asks nothing before it is needed, and once however many ask at once', async () => {
    const of = provider()
    const { accessTokens, signIn } = await of.open()
    expect(of.asked).toEqual([])
    await Promise.all([signIn.begin(callback), signIn.begin(callback), accessTokens.token()])
    expect(of.asked).toEqual([OIDC, `${ISSUER}/t`])
  })

  it.each([
    ['OpenID Connect', { [OIDC]: json(200, DOCUMENT) }, [OIDC]],
    ['RFC 8414', { [RFC8414]: json(200, DOCUMENT) }, [OIDC, RFC8414]],
    ['any content type', { [OIDC]: json(200, DOCUMENT, { 'content-type': 'text/plain' }) }, [OIDC]],
  ])('reads the document of an issuer with a path by %s', async (_, documents, asked) => {
    const of = provider(documents)
    expect(await authorizeOf(of)).toBe(`${ISSUER}/auth`)
    expect(of.asked).toEqual(asked)
  })

  it('lets every setting of an endpoint win for itself, and asks nothing where all that is needed is set', async () => {
    const of = provider()
    expect(await authorizeOf(of, { authorizePath: '/own' })).toBe(`${ISSUER}/own`)
    const { accessTokens } = await of.open({ tokenPath: 'https://token.example.com/t' })
    await accessTokens.token()
    expect(of.asked.filter((url) => url.endsWith('/t'))).toEqual(['https://token.example.com/t'])
  })

  it('is remembered for other processes, and asked for again after an interval', async () => {
    const of = provider()
    await authorizeOf(of)
    await authorizeOf(of)
    expect(of.asked).toEqual([OIDC])
    await of.here.clock.advance(11 * MINUTE)
    of.serving.documents = { [OIDC]: json(200, { ...DOCUMENT, authorization_endpoint: `${ISSUER}/moved` }) }
    expect(await authorizeOf(of)).toBe(`${ISSUER}/moved`)
  })

  it('shares no token between two issuers, though all else is the same', async () => {
    const other = 'https://other.example.com'
    const of = provider({
      [OIDC]: json(200, DOCUMENT),
      [`${other}/.well-known/openid-configuration`]: json(200, { issuer: other, token_endpoint: `${other}/t` }),
    })
    const oauthBaseUrl = 'https://login.example.com'
    for (const issuer of [ISSUER, other, ISSUER]) await (await of.open({ oauthBaseUrl, issuer })).accessTokens.token()
    expect(of.asked.filter((url) => url.endsWith('/t'))).toEqual([`${ISSUER}/t`, `${other}/t`])
  })

  it('sends the tokens of a sign-in to no other issuer, neither to renew nor to revoke them', async () => {
    const here = world()
    const sent: string[] = []
    const http = async ({ method, url, onSend }: HttpRequest) => {
      onSend?.()
      if (method === 'POST') sent.push(url)
      const issuer = url.startsWith(ISSUER) ? ISSUER : 'https://other.example.com'
      const document = { issuer, token_endpoint: `${issuer}/t`, authorization_endpoint: `${issuer}/auth` }
      const found = { ...document, revocation_endpoint: `${issuer}/revoke` }
      return json(200, method === 'GET' ? found : { access_token: 'a', refresh_token: 'rt', expires_in: 600 })
    }
    const at = (issuer: string) => here.process({ hosts: resolveHosts({ issuer }), client: { id: 'web' } }, { http })
    const { signIn } = await at(ISSUER)
    const state = new URL((await signIn.begin(callback)).url).searchParams.get('state') ?? ''
    await signIn.complete(new URLSearchParams({ code: 'c', state }))
    await here.clock.advance(HOUR)
    const other = await at('https://other.example.com')
    const error = await refusal(other.accessTokens.token())
    expect([error.code, error.message]).toEqual(['config_invalid', expect.stringContaining('hosts.issuer')])
    expect(await other.signOut()).toMatchObject({ upstream: 'failed', local: 'done' })
    expect(sent).toEqual([`${ISSUER}/t`])
    // Kept, so that they can be ended where they are of.
    expect(await (await at(ISSUER)).signOut()).toMatchObject({ upstream: 'done' })
    expect(sent.slice(1)).toEqual([`${ISSUER}/revoke`])
  })

  it('keeps what is known through an outage, for a day', async () => {
    const of = provider()
    await authorizeOf(of)
    of.serving.isDown = true
    await of.here.clock.advance(12 * HOUR)
    expect(await authorizeOf(of)).toBe(`${ISSUER}/auth`)
    await day(of.here)
    const error = await refusal(authorizeOf(of))
    expect([error.code, error.retryable]).toEqual(['upstream_unavailable', true])
    expect(error.message).toContain('id.example.com')
  })

  it('does not hammer a provider that is down', async () => {
    const of = provider({})
    const { signIn } = await of.open()
    for (let times = 0; times < 5; times += 1)
      expect((await refusal(signIn.begin(callback))).code).toBe('upstream_unavailable')
    expect(of.asked).toEqual([OIDC, RFC8414])
  })

  it('refuses the document of another issuer by name', async () => {
    const of = provider({ [OIDC]: json(200, { ...DOCUMENT, issuer: 'https://evil.example' }) })
    const error = await refusal(authorizeOf(of))
    expect([error.code, error.fields?.[0]?.field]).toEqual(['config_invalid', 'hosts.issuer'])
    expect(error.message).toContain('https://evil.example')
    expect(error.message).toContain(ISSUER)
  })

  it.each([
    ['HTML', { status: 200, headers: { 'content-type': 'text/html' }, bytes: new TextEncoder().encode('<html>') }],
    ['no object', json(200, [])],
    ['no issuer', json(200, { token_endpoint: `${ISSUER}/t` })],
    ['a failing server', json(500, {})],
  ])('is unavailable where it answers with %s', async (_, answer) => {
    expect((await refusal(authorizeOf(provider({ [OIDC]: answer })))).code).toBe('upstream_unavailable')
  })

  it('costs nothing by odd members, and names the endpoint that it lacks with its setting', async () => {
    const odd = {
      ...DOCUMENT,
      device_authorization_endpoint: 7,
      revocation_endpoint: 'http://id.example.com/clear',
      token_endpoint_auth_methods_supported: 'client_secret_basic',
    }
    const of = provider({ [OIDC]: json(200, odd) })
    const { accessTokens, deviceSignIn } = await of.open()
    expect(await outcome(accessTokens.token())).toMatch(/^at-/)
    const error = await refusal(deviceSignIn.run({ show: () => {} }))
    expect([error.code, error.fields?.[0]?.field]).toEqual(['config_invalid', 'hosts.devicePath'])
    expect(error.message).toContain('device authorization endpoint')
  })

  it.each([
    'http://id.example.com/t',
    'https://ann:hunter2@id.example.com/t',
    'https://id.example.com/t#a',
    'ftp://x/t',
  ])('sends no secret to a token endpoint at %s', async (token_endpoint) => {
    const of = provider({ [OIDC]: json(200, { ...DOCUMENT, token_endpoint }) })
    const { accessTokens } = await of.open()
    const error = await refusal(accessTokens.token())
    expect([error.code, error.fields?.[0]?.field]).toEqual(['config_invalid', 'hosts.tokenPath'])
    expect(error.message).not.toContain('hunter2')
    expect(of.asked).toEqual([OIDC])
  })

  it('takes the key-set of the settings where the document names none, and says so where none is set', async () => {
    const { jwks_uri: _none, ...document } = DOCUMENT
    const of = provider({ [OIDC]: json(200, document) })
    const jwksUrl = 'https://keys.example.com/jwks'
    const { accessKeys } = await of.open({ jwksUrl })
    await expect(accessKeys.keys()).rejects.toThrow(/keys of keys\.example\.com cannot be had: it answered 404/)
    const unset = await of.open()
    await expect(unset.accessKeys.keys()).rejects.toThrow(/`hosts\.jwksUrl` is not set/)
    expect(of.asked).toEqual([OIDC, jwksUrl])
  })

  it.each([
    [['client_secret_basic'], true],
    [['client_secret_post', 'private_key_jwt'], false],
    [['client_secret_basic', 'client_secret_post'], false],
    // Both specifications say what a document means that names none.
    [undefined, true],
  ])('says how the client names itself: %j', async (methods, isBasic) => {
    const sent: HttpRequest[] = []
    const here = world()
    const http = async (request: HttpRequest) => {
      request.onSend?.()
      sent.push(request)
      const document = { ...DOCUMENT, token_endpoint_auth_methods_supported: methods }
      return request.method === 'GET' ? json(200, document) : json(200, { access_token: 'a', expires_in: 3_600 })
    }
    const { accessTokens } = await here.process({ hosts: resolveHosts({ issuer: ISSUER }) }, { http })
    await accessTokens.token()
    expect(sent.at(-1)?.headers['authorization'] !== undefined).toBe(isBasic)
  })

  it('that cannot be had when the browser comes back uses no code up: the same callback works later', async () => {
    const of = provider()
    const { signIn } = await of.open({ authorizePath: '/auth' })
    of.serving.isDown = true
    const { url } = await signIn.begin(callback)
    const query = new URLSearchParams({ code: 'c', state: new URL(url).searchParams.get('state') ?? '' })
    const error = await refusal(signIn.complete(query))
    expect([error.code, error.reason]).toEqual(['upstream_unavailable', 'discovery'])
    of.serving.isDown = false
    await of.here.clock.advance(MINUTE)
    expect(await signIn.complete(query)).toMatchObject({ generation: 1 })
  })

  it('uses no code up while the keys of its ID token cannot be had', async () => {
    const of = provider({ [OIDC]: json(200, DOCUMENT), [DOCUMENT.jwks_uri]: json(503, {}) })
    const { signIn } = await of.open()
    const { url } = await signIn.begin({ ...callback, scopes: ['openid'] })
    const query = new URLSearchParams({ code: 'c', state: new URL(url).searchParams.get('state') ?? '' })
    expect(await refusal(advanceUntil(of.here.clock, signIn.complete(query)))).toMatchObject({
      code: 'keys_unavailable',
    })
    expect(of.asked.filter((one) => one.endsWith('/t'))).toEqual([])
  })

  it.each([
    ['no code could be exchanged', 'token_endpoint', 'hosts.userTokenPath'],
    ['no ID token could be checked', 'jwks_uri', 'hosts.jwksUrl'],
  ])('sends no user away to sign in where %s', async (_, member, setting) => {
    const of = provider({ [OIDC]: json(200, { ...DOCUMENT, [member]: undefined }) })
    const { deviceSignIn, signIn } = await of.open()
    const scopes = ['openid']
    for (const begun of [signIn.begin({ ...callback, scopes }), deviceSignIn.run({ show: () => {}, scopes })]) {
      const error = await refusal(begun)
      expect([error.code, error.fields?.[0]?.field]).toEqual(['config_invalid', setting])
    }
    expect(of.asked).toEqual([OIDC])
  })

  it('is not the issuer by its address', () => {
    const fields = [expect.objectContaining({ field: 'issuer', message: 'is the address of a discovery document' })]
    for (const issuer of [OIDC, RFC8414])
      expect(() => resolveHosts({ issuer })).toThrow(expect.objectContaining({ fields }))
  })

  it('lets a sign-out say that the provider cannot revoke', async () => {
    const { revocation_endpoint: _none, ...rest } = DOCUMENT
    const of = provider({ [OIDC]: json(200, rest) })
    const { signIn, signOut } = await of.open()
    const { url } = await signIn.begin(callback)
    await signIn.complete(new URLSearchParams({ code: 'c', state: new URL(url).searchParams.get('state') ?? '' }))
    expect(await signOut()).toMatchObject({ upstream: 'unsupported', local: 'done' })
  })

  it('asks again for a token of which nothing was sent, once the provider is back', async () => {
    const of = provider()
    of.serving.isDown = true
    const { accessTokens } = await of.open()
    expect(await outcome(accessTokens.token())).toBe('upstream_unavailable')
    of.serving.isDown = false
    await of.here.clock.advance(MINUTE)
    expect(await outcome(accessTokens.token())).toMatch(/^at-/)
    expect(wellKnown(of.asked).length).toBe(2)
  })
})
