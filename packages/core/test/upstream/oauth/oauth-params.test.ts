import { describe, expect, it } from 'vitest'
import type { HttpRequest } from '../../../src/ports/http.ts'
import { resolveHosts } from '../../../src/upstream/hosts.ts'
import { json } from '../../world/fake-upstream.ts'
import { refusal, world } from '../../world/world.ts'

const form = (request: HttpRequest | undefined): URLSearchParams => new URLSearchParams(request?.body)

describe('free parameters', () => {
  it('are sent with every token request, several of one name too', async () => {
    const here = world()
    const tokenParams = { resource: ['https://a.example', 'https://b.example'], audience: 'x' }
    const { accessTokens } = await here.process({ tokenParams })
    await accessTokens.token()
    const sent = form(here.upstream.asked.token[0])
    expect([sent.getAll('resource'), sent.getAll('audience')]).toEqual([tokenParams.resource, ['x']])
    expect(sent.get('grant_type')).toBe('client_credentials')
  })

  it('shape the token: another audience is another token', async () => {
    const here = world()
    for (const audience of ['one', 'two', 'one']) {
      const { accessTokens } = await here.process({ tokenParams: { audience } })
      await accessTokens.token()
    }
    expect(here.upstream.asked.token.map((one) => form(one).get('audience'))).toEqual(['one', 'two'])
  })

  it('are sent with a code, a device and a refresh', async () => {
    const here = world()
    const asked: HttpRequest[] = []
    const http = async (request: HttpRequest) => {
      request.onSend?.()
      if (request.method === 'POST') asked.push(request)
      if (request.url.endsWith('/device'))
        return json(200, { device_code: 'd', user_code: 'U', verification_uri: 'https://login.example.com/d' })
      return json(200, { access_token: `at-${asked.length}`, refresh_token: `rt-${asked.length}`, expires_in: 3_600 })
    }
    const hosts = resolveHosts({ baseUrl: 'https://login.example.com', tokenPath: '/token', devicePath: '/device' })
    const options = { hosts, authorizeParams: { prompt: 'consent', org: 'acme' }, tokenParams: { resource: 'urn:api' } }
    const { accessTokens, deviceSignIn, signIn } = await here.process(options, { http })
    const { url } = await signIn.begin({ redirectUri: 'http://127.0.0.1/cb' })
    const { searchParams } = new URL(url)
    expect([searchParams.get('prompt'), searchParams.get('org')]).toEqual(['consent', 'acme'])
    await signIn.complete(new URLSearchParams({ code: 'c', state: searchParams.get('state') ?? '' }))
    await here.clock.advance(3_590_000)
    await accessTokens.token()
    const device = deviceSignIn.run({ show: () => {} })
    await here.clock.advance(6_000)
    await device
    const sent = asked
      .map(form)
      .map((one) => [one.get('grant_type') ?? 'device', one.get('resource'), one.get('prompt')])
    expect(sent).toEqual([
      ['authorization_code', 'urn:api', null],
      ['refresh_token', 'urn:api', null],
      ['device', null, 'consent'],
      ['urn:ietf:params:oauth:grant-type:device_code', 'urn:api', null],
    ])
  })

  it('that are reserved are refused by name, all at once', async () => {
    const here = world()
    const options = {
      authorizeParams: { state: 'x', prompt: 'login', client_secret: 'x' },
      tokenParams: { client_secret: 'x', scope: 'y' },
    }
    const { code, fields = [] } = await refusal(here.process(options))
    expect(code).toBe('config_invalid')
    expect(fields.map(({ field, message }) => `${field} ${message}`)).toEqual([
      expect.stringContaining('authorizeParams sets state, client_secret,'),
      expect.stringContaining('tokenParams sets client_secret, scope,'),
    ])
  })
})

describe('a connection whose API is not known', () => {
  it('gets tokens, and names for a guest the option that is missing', async () => {
    const here = world()
    const hosts = resolveHosts({ issuer: 'https://id.example.com', tokenPath: '/token', authorizePath: '/auth' })
    const { accessTokens, guests } = await here.process({ hosts })
    await accessTokens.token()
    const error = await refusal(guests.issue({ scopes: ['webmessaging:guest:send'] }))
    expect([error.code, error.fields?.[0]?.field]).toEqual(['config_invalid', 'hosts.apiBaseUrl'])
    expect(here.upstream.asked.mint.filter(({ method }) => method === 'POST')).toEqual([])
  })
})
