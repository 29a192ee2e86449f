import { generateKeyPairSync } from 'node:crypto'
import { describe, expect, it } from 'vitest'
import type { ConnectionOptions } from '../../src/connection/connection.ts'
import { Secret } from '../../src/domain/secret.ts'
import { HOUR, SECOND } from '../../src/domain/time.ts'
import type { GuestpassError } from '../../src/domain/errors.ts'
import type { HttpRequest } from '../../src/ports/http.ts'
import type { Store } from '../../src/ports/store.ts'
import { resolveHosts } from '../../src/upstream/hosts.ts'
import { granted, json } from '../world/fake-upstream.ts'
import { outcome, refusal, type World, world } from '../world/world.ts'

const platform = resolveHosts({ region: 'mypurecloud.ie' })

const methodOf = ({ headers, body }: HttpRequest): string => {
  if (headers['authorization']) return 'basic'
  return body?.includes('client_secret=') ? 'body' : 'none'
}

/** An upstream that takes clients in some ways only. */
function taking(ways: readonly string[], refused = json(401, { error: 'invalid_client' })): World {
  const here = world()
  here.upstream.token = (asked) =>
    ways.includes(methodOf(asked)) ? granted(here.upstream.asked.token.length) : refused
  return here
}

/** The ways in which the client named itself until it had a token, or failed. */
async function tried(here: World, options: Partial<ConnectionOptions> = {}): Promise<string[]> {
  const before = here.upstream.asked.token.length
  const { accessTokens } = await here.process(options)
  const end = await outcome(accessTokens.token())
  return [...here.upstream.asked.token.slice(before).map(methodOf), end.startsWith('test-secret-token') ? 'done' : end]
}

describe('client authentication', () => {
  it('uses Basic on the platform and the form elsewhere, and tries the other once after a refusal', async () => {
    expect(await tried(taking(['basic', 'body']), { hosts: platform })).toEqual(['basic', 'done'])
    expect(await tried(taking(['basic', 'body']))).toEqual(['body', 'done'])
    expect(await tried(taking(['body']), { hosts: platform })).toEqual(['basic', 'body', 'done'])
    expect(await tried(taking(['basic']))).toEqual(['body', 'basic', 'done'])
    expect(await tried(taking([]))).toEqual(['body', 'basic', 'client_rejected'])
  })

  it('is remembered, also by other processes', async () => {
    const here = taking(['basic'])
    expect(await tried(here)).toEqual(['body', 'basic', 'done'])
    await here.clock.advance(HOUR)
    expect(await tried(here)).toEqual(['basic', 'done'])
    expect(JSON.stringify(await here.store.fact('default', 'client-auth'))).toContain('basic')
  })

  it('is not taken over from another issuer', async () => {
    const here = taking(['basic'])
    const at = (issuer: string) => ({ hosts: resolveHosts({ issuer, tokenPath: 'https://login.example/oauth/token' }) })
    expect(await tried(here, at('https://one.example'))).toEqual(['body', 'basic', 'done'])
    expect(await tried(here, at('https://two.example'))).toEqual(['body', 'basic', 'done'])
    await here.clock.advance(HOUR)
    expect(await tried(here, at('https://one.example'))).toEqual(['basic', 'done'])
  })

  it('is read from the store once by a process', async () => {
    const here = taking(['basic'])
    const read: string[] = []
    const store: Store = { ...here.store, fact: (...of) => (read.push(of[1]), here.store.fact(...of)) }
    const { accessTokens } = await here.process({}, { store })
    for (let hour = 0; hour < 3; hour += 1) {
      expect(await outcome(accessTokens.token())).toMatch('test-secret-token-')
      await here.clock.advance(HOUR)
    }
    expect(here.upstream.asked.token.map(methodOf)).toEqual(['body', 'basic', 'basic', 'basic'])
    expect(read.filter((name) => name === 'client-auth')).toHaveLength(1)
  })

  it('is not remembered when both methods failed', async () => {
    const here = taking([])
    await tried(here)
    expect(await here.store.fact('default', 'client-auth')).toBeUndefined()
    await here.clock.advance(5 * SECOND)
    expect(await tried(here)).toEqual(['body', 'basic', 'client_rejected'])
  })

  it('is found anew when the server refuses the remembered method', async () => {
    const here = taking(['basic'])
    await tried(here)
    await here.clock.advance(HOUR)
    const later = taking(['body']).upstream
    here.upstream.token = (asked, signal) => later.token(asked, signal)
    expect(await tried(here)).toEqual(['basic', 'body', 'done'])
    await here.clock.advance(HOUR)
    expect(await tried(here)).toEqual(['body', 'done'])
  })

  it.each([
    ['a bad request', json(400, { error: 'invalid_request' }), 'upstream_rejected'],
    ['a wrong scope', json(400, { error: 'invalid_scope' }), 'scope_missing'],
    ['a forbidden grant', json(400, { error: 'unauthorized_client' }), 'access_denied'],
    ['a busy server', json(429, { error: 'invalid_client' }), 'upstream_busy'],
    ['a failing server', json(503, { error: 'invalid_client' }), 'upstream_unavailable'],
  ])('is not changed because of %s', async (_, answer, code) => {
    expect(await tried(taking([], answer))).toEqual(['body', code])
  })

  it('is proven by any answer of a server that knows the client', async () => {
    const here = taking(['basic'])
    const used = new Set<string | null>()
    const { token } = here.upstream
    here.upstream.token = async (asked, signal) => {
      const code = new URLSearchParams(asked.body).get('code')
      const isFresh = !used.has(code)
      used.add(code)
      const answer = await token(asked, signal)
      return answer.status === 200 && !isFresh ? json(400, { error: 'invalid_grant' }) : answer
    }
    const signedIn = async (code: string): Promise<string> => {
      const { signIn } = await here.process()
      const { url } = await signIn.begin({ redirectUri: 'http://127.0.0.1/cb' })
      const query = new URLSearchParams({ code, state: new URL(url).searchParams.get('state') ?? '' })
      return signIn.complete(query).then(
        () => 'signed in',
        (thrown: GuestpassError) => `${thrown.code} ${thrown.message}`,
      )
    }
    const first = await signedIn('one')
    expect(first).toMatch(/^sign_in_refused/)
    expect(first).toContain('The next sign-in sends it in Basic')
    expect(await signedIn('two')).toBe('signed in')
    expect(here.upstream.asked.token.map(methodOf)).toEqual(['body', 'basic', 'basic'])
  })

  it.each([
    ['raw', 'p+w', "`client.basicEncoding: 'form'`"],
    ['form', 'p%w', "`client.basicEncoding: 'raw'`"],
    ['raw', 'a:b', "`client.basicEncoding: 'form'`"],
  ] as const)('in Basic (%s) names the encoding where the secret is %s', async (basicEncoding, secret, hint) => {
    const here = taking([])
    const client = { id: 'client', secret: new Secret(secret), basicEncoding }
    const said = async (options: Partial<ConnectionOptions>): Promise<string> => {
      const { accessTokens } = await here.process(options)
      return (await refusal(accessTokens.token())).message
    }
    expect(await said({ clientAuth: 'basic', client })).toContain(hint)
    await here.clock.advance(HOUR)
    expect(await said({ clientAuth: 'body', client })).not.toContain('BASIC_ENCODING')
    await here.clock.advance(HOUR)
    const plain = { id: 'client', secret: new Secret('plain') }
    expect(await said({ clientAuth: 'basic', client: plain })).not.toContain('BASIC_ENCODING')
  })

  it('names the encoding of Basic although the body was refused after it', async () => {
    const client = { id: 'client', secret: new Secret('a+b') }
    const { accessTokens } = await taking([]).process({ hosts: platform, client })
    expect((await refusal(accessTokens.token())).message).toContain("`client.basicEncoding: 'form'`")
  })

  it('is only the configured method', async () => {
    expect(await tried(taking(['body']), { clientAuth: 'basic' })).toEqual(['basic', 'client_rejected'])
    expect(await tried(taking(['basic']), { clientAuth: 'body' })).toEqual(['body', 'client_rejected'])
    expect(await tried(taking(['none']), { clientAuth: 'none' })).toEqual(['none', 'done'])
  })

  it.each(['auto', 'basic', 'body'] as const)('sends the id alone without a secret (%s)', async (clientAuth) => {
    const here = taking(['none'])
    expect(await tried(here, { clientAuth, client: { id: 'public client' } })).toEqual(['none', 'done'])
    expect(new URLSearchParams(here.upstream.asked.token[0]?.body).get('client_id')).toBe('public client')
  })

  it('sends the secret to the token endpoint only', async () => {
    const here = world()
    const secret = new Secret('test-secret-the-one')
    const { guests } = await here.process({ client: { id: 'client', secret } })
    await guests.issue({ scopes: ['webmessaging:guest:send'] })
    expect(new URLSearchParams(here.upstream.asked.token[0]?.body).get('client_secret')).toBe(secret.reveal())
    expect(JSON.stringify(here.upstream.asked.mint)).not.toMatch(/the.one.secret/)
  })
})

describe('a refusal', () => {
  it('names the address that has no endpoint, without its query, and the setting for it', async () => {
    const here = world()
    const hosts = resolveHosts({
      baseUrl: 'https://gw.example.com',
      tokenPath: 'https://gw.example.com/token?key=hunter2',
    })
    const http = async (request: HttpRequest) => {
      request.onSend?.()
      return json(404, {})
    }
    const { accessTokens, deviceSignIn } = await here.process({ hosts }, { http })
    const { message } = await refusal(accessTokens.token())
    expect(message).toContain('to https://gw.example.com/token: set `hosts.tokenPath`')
    expect(message).not.toContain('hunter2')
    const device = await refusal(deviceSignIn.run({ show: () => {} }))
    expect(device.message).toContain('to https://gw.example.com/device_authorization: set `hosts.devicePath`')
  })

  it('of a signed assertion names the private key', async () => {
    const key = generateKeyPairSync('ec', { namedCurve: 'P-256' }).privateKey
    const privateKey = new Secret(key.export({ type: 'pkcs8', format: 'pem' }).toString())
    const { accessTokens } = await taking([]).process({ client: { id: 'client', privateKey } })
    expect((await refusal(accessTokens.token())).message).toContain('`client.privateKey`')
  })

  it('of a resource that is not known names the parameters', async () => {
    const here = taking([], json(400, { error: 'invalid_target' }))
    const { accessTokens } = await here.process()
    expect((await refusal(accessTokens.token())).message).toContain('`tokenParams`')
  })
})
