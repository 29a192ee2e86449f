import { createServer } from 'node:http'
import {
  authorizedFetch,
  authorizedSdk,
  type Connection,
  connection,
  memoryStore,
  resolveHosts,
  Secret,
} from '@guestpass/core'
import { nodePorts } from '@guestpass/core/node'
import { type Sandbox, sandbox } from '@guestpass/sandbox'
import sdk from 'purecloud-platform-client-v2'
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest'

const ports = nodePorts()
const { ApiClient, TokensApi, UsersApi } = sdk
let upstream: Sandbox
let service: Connection

beforeAll(async () => {
  const people = { id: 'people', secret: 'test-secret-people', scopes: ['guest:write', 'guest:read'] }
  upstream = await sandbox({ autoConsent: true, rateLimit: { perMinute: 60_000 }, clients: [people] })
  const { hostname, port } = new URL(upstream.url)
  ApiClient.instance.setGateway({ host: hostname, port: Number(port), protocol: 'http' })
})
afterAll(async () => {
  await upstream.close()
  await ports.close()
})
beforeEach(async () => {
  const { GENESYS_CLIENT_ID = '', GENESYS_CLIENT_SECRET = '' } = upstream.env
  service = await connection(
    {
      hosts: resolveHosts({ oauthBaseUrl: upstream.url, apiBaseUrl: upstream.url }),
      client: { id: GENESYS_CLIENT_ID, secret: new Secret(GENESYS_CLIENT_SECRET) },
      scopes: ['guest:read', 'guest:write'],
    },
    { ...ports, store: memoryStore() },
  )
})

/** Ends the current token upstream, without the source learning of it. */
async function revoked(): Promise<void> {
  const { token } = await service.accessTokens.token()
  const headers = { authorization: `Bearer ${token.reveal()}` }
  const { ok } = await fetch(`${upstream.url}/api/v2/tokens/me`, { method: 'DELETE', headers })
  expect(ok).toBe(true)
}
const count = (operation: string, status?: number): number =>
  upstream
    .journal()
    .filter((entry) => entry.operation === operation && (status === undefined || entry.status === status)).length

describe('the official SDK', () => {
  let off = (): void => {}
  beforeEach(() => {
    off = authorizedSdk(ApiClient.instance, service.accessTokens)
  })
  afterEach(() => off())

  it('gets its token from the source, without a sign-in', async () => {
    const me = await new TokensApi().getTokensMe()
    expect(me).toMatchObject({ organization: { name: 'Sandbox' } })
  })

  it('never shows a refused token to its callers: ten at once share one renewal', async () => {
    await new TokensApi().getTokensMe()
    await revoked()
    const before = [count('token'), upstream.journal().length]
    const answers = await Promise.allSettled(Array.from({ length: 10 }, () => new TokensApi().getTokensMe()))
    expect(answers.map(({ status }) => status)).toEqual(Array.from({ length: 10 }, () => 'fulfilled'))
    expect(count('token') - (before[0] ?? 0)).toBe(1)
    const later = upstream.journal().slice(before[1])
    expect(later.filter(({ status }) => status === 401).length).toBeGreaterThan(0)
  })

  it('acts for the user who signed in', async () => {
    const { url } = await service.signIn.begin({ redirectUri: 'http://127.0.0.1:8976/callback' })
    const back = (await fetch(url, { redirect: 'manual' })).headers.get('location') ?? ''
    await service.signIn.complete(new URL(back).searchParams)
    const me = await new UsersApi().getUsersMe()
    expect(me).toMatchObject({ id: upstream.users[0]?.id })
  })

  it('serves a client that holds the scopes of one API alone, which also authenticates guests', async () => {
    const { accessTokens, guests } = await connection(
      {
        hosts: resolveHosts({ oauthBaseUrl: upstream.url, apiBaseUrl: upstream.url }),
        client: { id: 'people', secret: new Secret('test-secret-people') },
      },
      { ...ports, store: memoryStore() },
    )
    for (const source of [accessTokens, accessTokens.for('engagements')]) {
      const takeOff = authorizedSdk(ApiClient.instance, source)
      expect(await new TokensApi().getTokensMe()).toMatchObject({ organization: { name: 'Sandbox' } })
      await new TokensApi().deleteTokensMe()
      expect(await new TokensApi().getTokensMe()).toMatchObject({ organization: { name: 'Sandbox' } })
      takeOff()
    }
    const person = { email: 'bob@example.com', consent: true, channelId: upstream.channelId ?? '' } as const
    expect(await guests.issue({ api: 'engagements', ...person })).toMatchObject({ verified: true })
    await expect(accessTokens.for('guest-tokens').token()).rejects.toMatchObject({ code: 'scope_missing' })
  })

  it('passes on what is no matter of the token, and a resource that refuses every token', async () => {
    upstream.script([{ on: 'users', do: { status: 429, headers: { 'retry-after': '7' } } }])
    await expect(new UsersApi().getUsersMe()).rejects.toMatchObject({ status: 429 })
    await expect(new UsersApi().getUsersMe()).rejects.toMatchObject({ status: 400 })
    off()
    ApiClient.instance.setAccessToken('unknown-token')
    await expect(new TokensApi().getTokensMe()).rejects.toMatchObject({ status: 401 })
  })
})

describe('fetch with a token source', () => {
  const mine = () => authorizedFetch(service.accessTokens, { origins: [upstream.url] })

  it('sends a request again, with its body, when the token is refused', async () => {
    await revoked()
    const before = count('create')
    const body = JSON.stringify({ email: 'ann@example.com', consent: true, channelId: upstream.channelId })
    const init = { method: 'POST', body, headers: { 'content-type': 'application/json' } }
    const answer = await mine()(`${upstream.url}/api/v2/engagements/guests`, init)
    expect([answer.status, count('create') - before]).toEqual([201, 2])
  })

  it('gives back what the second try brings, whatever it is', async () => {
    const refusing = authorizedFetch(service.accessTokens, {
      origins: [upstream.url],
      fetch: async () => new Response('no', { status: 401 }),
    })
    expect((await refusing(`${upstream.url}/anything`)).status).toBe(401)
  })

  it('shows the token to no other origin, also not by a redirect', async () => {
    const seen: (string | undefined)[] = []
    const stranger = createServer((request, response) => {
      seen.push(request.headers.authorization)
      response.end('{}')
    })
    await new Promise<void>((resolve) => stranger.listen(0, '127.0.0.1', resolve))
    const { port } = stranger.address() as { port: number }
    const elsewhere = `http://127.0.0.1:${port}/`
    await expect(mine()(elsewhere)).rejects.toMatchObject({ code: 'invalid_input' })
    const redirector = createServer((_request, response) => response.writeHead(302, { location: elsewhere }).end())
    await new Promise<void>((resolve) => redirector.listen(0, '127.0.0.1', resolve))
    const origin = `http://127.0.0.1:${(redirector.address() as { port: number }).port}`
    await (await authorizedFetch(service.accessTokens, { origins: [origin] })(origin)).text()
    expect(seen).toEqual([undefined])
    stranger.close()
    redirector.close()
  })

  it('ends with its caller’s signal', async () => {
    const signal = AbortSignal.abort(new Error('gone'))
    await expect(mine()(`${upstream.url}/api/v2/tokens/me`, { signal })).rejects.toThrow('gone')
  })
})
