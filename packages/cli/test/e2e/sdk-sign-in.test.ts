import { type Sandbox, sandbox } from '@guestpass/sandbox'
import sdk from 'purecloud-platform-client-v2'
import { afterAll, afterEach, beforeAll, describe, expect, it, vi } from 'vitest'

const { ApiClient, TokensApi, UsersApi } = sdk
const client = ApiClient.instance
const CALLBACK = 'http://127.0.0.1:49152/callback'
let upstream: Sandbox
let own: { readonly id: string; readonly secret: string }

beforeAll(async () => {
  upstream = await sandbox({ algorithm: 'ES256', autoConsent: true })
  const { GENESYS_CLIENT_ID: id = '', GENESYS_CLIENT_SECRET: secret = '' } = upstream.env
  own = { id, secret }
  const { hostname, port } = new URL(upstream.url)
  client.setGateway({ host: hostname, port: Number(port), protocol: 'http' })
})
afterAll(() => upstream.close())
afterEach(() => {
  vi.unstubAllGlobals()
  client.clearAccessToken()
  // Other files share this client. With a refresh token left, it would refresh by itself after a 401.
  Object.assign(client, { authData: {} })
})

/** What the browser brings back from an authorize address. */
async function callback(url: string | URL): Promise<URL> {
  return new URL((await fetch(url, { redirect: 'manual' })).headers.get('location') ?? '')
}

const codeOf = async (parameters: Readonly<Record<string, string>>): Promise<string> => {
  const query = new URLSearchParams({ response_type: 'code', redirect_uri: CALLBACK, ...parameters })
  return (await callback(`${upstream.url}/oauth/authorize?${query}`)).searchParams.get('code') ?? ''
}

/** The types of the SDK leave it out. */
const refreshTokenOf = (authData: object): string => ('refreshToken' in authData ? String(authData.refreshToken) : '')

describe('the official SDK logs in', () => {
  it('with client credentials', async () => {
    await client.loginClientCredentialsGrant(own.id, own.secret)
    expect(await new TokensApi().getTokensMe()).toMatchObject({ OAuthClient: { id: own.id } })
  })

  it('with a code and the secret, and refreshes', async () => {
    const code = await codeOf({ client_id: own.id })
    const first = refreshTokenOf(await client.loginCodeAuthorizationGrant(own.id, own.secret, code, CALLBACK))
    expect(await new UsersApi().getUsersMe()).toMatchObject({ id: upstream.users[0]?.id })
    const next = refreshTokenOf(await client.refreshCodeAuthorizationGrant(own.id, own.secret, first))
    expect(next).toMatch(/^sandbox-secret-[\w-]{43}$/)
    expect(next).not.toBe(first)
    expect(await new UsersApi().getUsersMe()).toMatchObject({ id: upstream.users[0]?.id })
  })

  it('with PKCE and the client without a secret', async () => {
    const verifier = client.generatePKCECodeVerifier(64)
    const id = upstream.env['GENESYS_PUBLIC_CLIENT_ID'] ?? ''
    const code = await codeOf({
      client_id: id,
      code_challenge: await client.computePKCECodeChallenge(verifier),
      code_challenge_method: 'S256',
    })
    await client.authorizePKCEGrant(id, verifier, code, CALLBACK)
    expect(await new UsersApi().getUsersMe()).toMatchObject({ id: upstream.users[0]?.id })
  })

  it('with PKCE in a page, over the redirect and back, and logs out', async () => {
    const id = upstream.publicClientId
    const verifier = client.generatePKCECodeVerifier(43)
    const replace = vi.fn()
    const page = (search: string) => {
      const history = { replaceState: vi.fn() }
      vi.stubGlobal('history', history)
      vi.stubGlobal('document', { title: '' })
      vi.stubGlobal('window', { location: { search, replace }, history, crypto })
    }
    page('')
    void client.loginPKCEGrant(id, CALLBACK, { state: 'here' }, verifier)
    await vi.waitFor(() => expect(replace).toHaveBeenCalled())
    const { search } = await callback(String(replace.mock.calls[0]?.[0]))
    page(search)
    const { accessToken, state } = await client.loginPKCEGrant(id, CALLBACK, {}, verifier)
    expect([accessToken?.split('.').length, state]).toEqual([3, 'here'])
    client.logout(CALLBACK)
    expect((await callback(String(replace.mock.calls[1]?.[0]))).href).toBe(CALLBACK)
  })
})
