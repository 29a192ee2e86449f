import { createHash, createPublicKey, generateKeyPairSync } from 'node:crypto'
import { describe, expect, it } from 'vitest'
import type { ConnectionOptions } from '../../../src/connection/connection.ts'
import { MINUTE, SECOND } from '../../../src/domain/time.ts'
import type { HttpRequest } from '../../../src/ports/http.ts'
import { resolveHosts } from '../../../src/upstream/hosts.ts'
import { json, jwt, publicKey } from '../../world/fake-upstream.ts'
import { refusal, world } from '../../world/world.ts'

const GOOD = 'https://good.example'
const EVIL = 'https://evil.example'
const DOCUMENT = {
  issuer: GOOD,
  token_endpoint: `${GOOD}/token`,
  authorization_endpoint: `${GOOD}/auth`,
  revocation_endpoint: `${GOOD}/revoke`,
  jwks_uri: `${GOOD}/jwks`,
}

const jwk = createPublicKey(publicKey).export({ format: 'jwk' })
const otherKey = generateKeyPairSync('rsa', { modulusLength: 2048 }).publicKey.export({ type: 'spki', format: 'pem' })

interface Over {
  readonly id?: Readonly<Record<string, unknown>>
  readonly access?: Readonly<Record<string, unknown>>
  readonly answer?: Readonly<Record<string, unknown>>
  readonly scopes?: readonly string[]
}

/**
 * A sign-in at a server whose answers are right but for what is said, with the parameters that its callback has besides, one of them
 * twice.
 */
async function signedIn(
  options: Partial<ConnectionOptions>,
  over: Over = {},
  callback: Record<string, string> = {},
  twice?: string,
) {
  const here = world()
  const asked: string[] = []
  const presented: string[] = []
  let nonce: string | null = null
  const seconds = here.clock.wall() / SECOND
  const http = async (request: HttpRequest) => {
    request.onSend?.()
    asked.push(`${request.method} ${new URL(request.url).pathname}`)
    if (request.url.endsWith('openid-configuration')) return json(200, { ...DOCUMENT, ...over.answer })
    if (request.url.includes('revoke')) return json(200, {})
    if (request.url.endsWith('/jwks')) return json(200, { keys: [jwk] })
    if (request.method === 'GET') return json(404, {})
    const refresh = new URLSearchParams(String(request.body)).get('refresh_token')
    if (refresh !== null) presented.push(refresh)
    const now = here.clock.wall() / SECOND
    const dates = { iat: now, exp: now + 600 }
    const claims = { iss: GOOD, sub: 'ann', aud: 'web', ...(nonce === null ? {} : { nonce }), ...dates, ...over.id }
    const access = jwt({ iss: GOOD, sub: 'ann', ...dates, ...over.access })
    return json(200, {
      access_token: access,
      refresh_token: `rt-${presented.length + 1}`,
      id_token: jwt(claims),
      expires_in: 600,
      ...over.answer,
    })
  }
  const { signIn, accessTokens } = await here.process({ client: { id: 'web' }, ...options }, { http })
  const { url } = await signIn.begin({ redirectUri: 'http://127.0.0.1/cb', scopes: over.scopes ?? ['openid', 'a'] })
  const query = new URL(url).searchParams
  nonce = query.get('nonce')
  const back = new URLSearchParams({ code: 'c', state: query.get('state') ?? '', ...callback })
  if (twice !== undefined) back.append(twice, 'y')
  return { complete: () => signIn.complete(back), asked, presented, accessTokens, seconds, clock: here.clock }
}

/** The reason of the refusal, and what was revoked. */
async function refused(...of: Parameters<typeof signedIn>) {
  const { complete, asked } = await signedIn(...of)
  const error = await refusal(complete())
  return { error, sent: asked.filter((one) => one.startsWith('POST')) }
}

const pinned = { issuer: GOOD }
/** The key of guest tokens is another one. */
const discovered = { hosts: resolveHosts({ issuer: GOOD }), publicKey: otherKey.toString() }

describe('a sign-in where the issuer is pinned', () => {
  it('is accepted where everything is of this issuer, with or without iss in the callback', async () => {
    for (const callback of [{}, { iss: GOOD }] as Record<string, string>[]) {
      const { complete } = await signedIn(pinned, {}, callback)
      expect(await complete()).toMatchObject({ user: 'ann' })
    }
  })

  it.each<[string, Over, string, string]>([
    ['an ID token of another issuer', { id: { iss: EVIL } }, 'issuer', 'iss'],
    ['an ID token without issuer', { id: { iss: undefined } }, 'issuer', 'iss'],
    ['an ID token for another client', { id: { aud: 'other' } }, 'audience', 'aud'],
    ['an ID token without audience', { id: { aud: undefined } }, 'audience', 'aud'],
    ['an ID token for several, and no authorized party', { id: { aud: ['web', 'other'] } }, 'audience', 'aud'],
    ['an ID token of another party', { id: { aud: ['web', 'other'], azp: 'other' } }, 'azp', 'azp'],
    ['an ID token of another party alone', { id: { azp: 'other' } }, 'azp', 'azp'],
    ['an ID token with another nonce', { id: { nonce: 'x' } }, 'nonce', 'nonce'],
    ['an ID token without the nonce', { id: { nonce: undefined } }, 'nonce', 'nonce'],
    ['an ID token of another access token', { id: { at_hash: 'x' } }, 'at_hash', 'at_hash'],
    ['an ID token that has expired', { id: { exp: 1 } }, 'id_token', 'expired'],
    ['an access token of another issuer', { access: { iss: EVIL } }, 'issuer', 'iss'],
  ])('with %s is refused, names the claim, and its tokens are revoked', async (_, over, reason, claim) => {
    const { error, sent } = await refused(pinned, over)
    expect([error.code, error.reason]).toEqual([over.access ? 'token_refused' : 'sign_in_refused', reason])
    expect(error.message).toContain(claim)
    expect(sent).toEqual(['POST /api/v2/oauth/token', 'POST /api/v2/oauth/revoke'])
  })

  it('is accepted with the at_hash of its access token', async () => {
    const access = jwt({ iss: GOOD, sub: 'ann', exp: 4_000_000_000 })
    const at_hash = createHash('sha256').update(access).digest().subarray(0, 16).toString('base64url')
    const { complete } = await signedIn(pinned, { id: { at_hash }, answer: { access_token: access } })
    expect(await complete()).toMatchObject({ user: 'ann' })
  })

  it.each(['code', 'state', 'iss'])('sends no code of a callback that holds %s twice', async (name) => {
    const { complete, asked } = await signedIn(pinned, {}, { iss: GOOD }, name)
    const error = await refusal(complete())
    expect([error.code, error.reason]).toEqual(['sign_in_refused', 'upstream'])
    expect(asked.filter((one) => one.startsWith('POST'))).toEqual([])
  })

  it('says what it does not read: an answer as a JWT, an ID token of another algorithm', async () => {
    const jarm = await refused(pinned, {}, { iss: GOOD, response: 'a.b.c' })
    expect([jarm.error.message, jarm.sent]).toEqual([expect.stringMatching(/JWT \(JARM\), which is not read/), []])
    const part = (value: object): string => Buffer.from(JSON.stringify(value)).toString('base64url')
    const id_token = `${part({ alg: 'HS256' })}.${part({ sub: 'ann' })}.c2ln`
    const { error } = await refused(pinned, { answer: { id_token } })
    expect(error.message).toMatch(/\(algorithm\)\. Have the provider sign .* with one of RS256, PS256, ES256, EdDSA/)
  })

  it('sends no code of a callback of another issuer, nor believes its error', async () => {
    for (const more of [{}, { error: 'access_denied' }]) {
      const { error, sent } = await refused(pinned, {}, { iss: EVIL, ...more })
      expect([error.code, error.reason, sent]).toEqual(['sign_in_refused', 'issuer', []])
      expect(error.message).toContain(EVIL)
    }
  })
})

describe('a refresh that brings an ID token', () => {
  async function renewing(later: Over['id'] & object) {
    const over: Over = {}
    const { complete, accessTokens, clock, presented } = await signedIn(discovered, over)
    await complete()
    await clock.advance(9 * MINUTE)
    Object.assign(over, { id: later })
    const before = await accessTokens.token()
    await clock.advance(2 * MINUTE)
    return { accessTokens, before, clock, over, presented }
  }

  it('of the same user is good', async () => {
    const { accessTokens, presented } = await renewing({ nonce: undefined })
    expect((await accessTokens.token()).generation).toBe(presented.length + 1)
    expect(presented.length).toBeGreaterThan(0)
  })

  it('of another user is refused, and loses neither the token in hand nor the new refresh token', async () => {
    const { accessTokens, before, clock, over, presented } = await renewing({ sub: 'eve' })
    expect(before.status).toBe('active')
    expect(await refusal(accessTokens.token())).toMatchObject({ code: 'token_refused', reason: 'subject' })
    const presentedBefore = presented.length
    Object.assign(over, { id: {} })
    await clock.advance(10 * MINUTE)
    await accessTokens.token()
    expect(presented.slice(presentedBefore)).toEqual([`rt-${presentedBefore + 1}`])
  })
})

describe('a sign-in where the issuer is discovered', () => {
  it('demands iss of the callback where the server says that it always sends it', async () => {
    const names = { authorization_response_iss_parameter_supported: true }
    const { error, sent } = await refused(discovered, { answer: names })
    expect([error.reason, sent]).toEqual(['issuer', []])
    const { complete } = await signedIn(discovered, { answer: names }, { iss: GOOD })
    expect(await complete()).toMatchObject({ user: 'ann' })
  })

  it('judges ID tokens and access tokens by the keys and the name of the issuer', async () => {
    const { complete } = await signedIn(discovered)
    expect(await complete()).toMatchObject({ user: 'ann' })
    expect((await refused(discovered, { id: { iss: EVIL } })).error).toMatchObject({ reason: 'issuer' })
    expect((await refused(discovered, { access: { iss: EVIL } })).error).toMatchObject({ reason: 'issuer' })
  })
})

describe('a sign-in where no issuer is known', () => {
  it('compares no issuer, and still the audience and the nonce', async () => {
    const { complete } = await signedIn(
      {},
      { id: { iss: EVIL }, access: { iss: 'https://third.example' } },
      { iss: GOOD },
    )
    expect(await complete()).toMatchObject({ user: 'ann' })
    expect((await refused({}, { id: { aud: 'other' } })).error.reason).toBe('audience')
    expect((await refused({}, { id: { nonce: 'other' } })).error.reason).toBe('nonce')
  })

  it('loses no tokens by odd members, nor by claims that nothing is compared with', async () => {
    const odd = { expires_in: '600', token_type: 'Something', scope: ['openid', 'a'] }
    const { complete } = await signedIn({}, { answer: odd, id: { iat: undefined, iss: undefined } })
    expect(await complete()).toMatchObject({ user: 'ann', scopes: ['openid', 'a'] })
  })
})

describe('max_age', () => {
  const options = { ...pinned, authorizeParams: { max_age: '60' } }

  it('is held against when the user signed in', async () => {
    const { complete, seconds } = await signedIn(options, { id: { auth_time: world().clock.wall() / SECOND - 30 } })
    expect(await complete()).toMatchObject({ user: 'ann' })
    expect((await refused(options, { id: { auth_time: seconds - 600 } })).error.reason).toBe('auth_time')
  })

  it('asks for an ID token that says it', async () => {
    expect((await refused(options)).error).toMatchObject({ reason: 'auth_time' })
  })
})

describe('a sign-in on another device', () => {
  it('is refused with an ID token of another issuer or client, and needs no nonce', async () => {
    const ended = async (over: object): Promise<unknown> => {
      const here = world()
      const dates = { iat: here.clock.wall() / SECOND, exp: here.clock.wall() / SECOND + 600 }
      const id_token = jwt({ iss: GOOD, sub: 'ann', aud: 'web', ...dates, ...over })
      const http = async (request: HttpRequest) => {
        request.onSend?.()
        return request.url.endsWith('/token')
          ? json(200, { access_token: 'opaque', id_token, expires_in: 600 })
          : json(200, { device_code: 'd', user_code: 'U', verification_uri: `${GOOD}/device` })
      }
      const { deviceSignIn } = await here.process({ client: { id: 'web' }, issuer: GOOD, scopes: ['openid'] }, { http })
      const end = deviceSignIn.run({ show: () => {} }).then(
        ({ user }) => user,
        (thrown: { readonly reason?: string }) => thrown.reason,
      )
      await here.clock.advance(6 * SECOND)
      return end
    }
    expect(await ended({})).toBe('ann')
    expect(await ended({ iss: EVIL })).toBe('issuer')
    expect(await ended({ aud: 'other' })).toBe('audience')
    expect(await ended({ azp: 'other' })).toBe('azp')
  })
})
