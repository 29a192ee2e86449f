import { generateKeyPairSync } from 'node:crypto'
import { describe, expect, it } from 'vitest'
import { DAY, HOUR, MINUTE, SECOND } from '../../../src/domain/time.ts'
import type { Http } from '../../../src/ports/http.ts'
import { resolveHosts } from '../../../src/upstream/hosts.ts'
import { granted, json, jwt, publicKey, strangerKey } from '../../world/fake-upstream.ts'
import { outcome, refusal, type World, world } from '../../world/world.ts'

/** A process that has had its token for a while. */
async function after(age: number, here: World = world()) {
  const { accessTokens } = await here.process()
  await accessTokens.token()
  await here.clock.advance(age)
  return { ...here, ask: () => outcome(accessTokens.token()), requests: () => here.upstream.asked.token.length }
}

const ages = { fresh: 20 * MINUTE, advisory: 57 * MINUTE, mandatory: HOUR - 30 * SECOND, expired: HOUR }

describe('a wall clock that steps back', () => {
  it.each(Object.entries(ages))('by an hour never extends a token that is %s', async (_, age) => {
    const { ask, clock, upstream } = await after(age)
    clock.stepWall(-HOUR)
    upstream.token = () => json(503, {})
    await clock.advance(HOUR - age - 1 > 0 ? HOUR - age - 1 : 0)
    const before = await ask()
    expect(before).toBe(age < HOUR ? 'test-secret-token-1' : 'upstream_unavailable')
    await clock.advance(1)
    expect(await ask()).toBe('upstream_unavailable')
  })

  it.each(Object.entries(ages))('by twenty minutes never extends a token that is %s', async (_, age) => {
    const { ask, clock, upstream } = await after(age)
    upstream.token = () => json(503, {})
    clock.stepWall(-20 * MINUTE)
    await ask()
    await clock.advance(Math.max(0, HOUR - age))
    expect(await ask()).toBe('upstream_unavailable')
  })

  it('again and again never extends a token', async () => {
    const { ask, clock, upstream } = await after(0)
    upstream.token = () => json(503, {})
    for (let minute = 0; minute < 59; minute += 1) {
      await clock.advance(MINUTE)
      clock.stepWall(-MINUTE)
      expect(await ask()).toBe('test-secret-token-1')
    }
    await clock.advance(MINUTE)
    expect(await ask()).toBe('upstream_unavailable')
  })

  it('leaves the times of a new token to the new time', async () => {
    const { ask, clock, requests } = await after(HOUR)
    clock.stepWall(-HOUR)
    expect(await ask()).toBe('test-secret-token-2')
    await clock.advance(54 * MINUTE)
    expect(await ask()).toBe('test-secret-token-2')
    await clock.advance(6 * MINUTE)
    expect(await ask()).toBe('test-secret-token-3')
    expect(requests()).toBe(3)
  })

  it('makes no back-off longer', async () => {
    const { ask, clock, upstream } = await after(HOUR)
    upstream.token = () => json(503, {})
    await ask()
    clock.stepWall(-HOUR)
    upstream.token = () => granted(3)
    await clock.advance(SECOND)
    expect(await ask()).toBe('test-secret-token-3')
  })

  it('renews a token from the future, whose age is not known, in a process that has just started', async () => {
    const { clock, process, upstream } = await after(5 * MINUTE)
    clock.stepWall(-HOUR)
    const { accessTokens } = await process()
    expect(await outcome(accessTokens.token())).toBe('test-secret-token-2')
    expect(await outcome(accessTokens.token())).toBe('test-secret-token-2')
    expect(upstream.asked.token).toHaveLength(2)
  })
})

describe('a machine that was suspended for an hour', () => {
  it.each(Object.entries(ages))('counts the hour of a token that was %s', async (_, age) => {
    const { ask, clock, requests } = await after(age)
    clock.stepWall(HOUR)
    expect(await ask()).toBe('test-secret-token-2')
    expect(requests()).toBe(2)
  })

  it('does not serve a token that ended in between, when there is no other', async () => {
    const { ask, clock, upstream } = await after(ages.fresh)
    clock.stepWall(HOUR)
    upstream.token = () => json(503, {})
    expect(await ask()).toBe('upstream_unavailable')
  })

  it('for a part of the rest of its life counts that too', async () => {
    const { ask, clock, upstream } = await after(ages.fresh)
    clock.stepWall(30 * MINUTE)
    expect(await ask()).toBe('test-secret-token-1')
    upstream.token = () => json(503, {})
    await clock.advance(10 * MINUTE)
    expect(await ask()).toBe('upstream_unavailable')
  })
})

describe('an access token that is a JWT', () => {
  const header = (at: number): Record<string, string> => ({ date: new Date(at).toUTCString() })

  /** An upstream whose clock is ahead, that issues JWTs living `life` beside an expires_in of an hour. */
  async function issuing({
    ahead = 0,
    life = HOUR,
    key,
  }: {
    ahead?: number
    life?: number
    key?: typeof strangerKey
  } = {}) {
    const here = world()
    here.upstream.token = () => {
      const at = here.clock.wall() + ahead
      const claims = { sub: 'client', iat: Math.floor(at / 1_000), exp: Math.floor((at + life) / 1_000) }
      const answer = granted(1, { access_token: jwt(claims, key) })
      return { ...answer, headers: { ...answer.headers, ...header(at) } }
    }
    return { ...here, connection: await here.process() }
  }

  it('is verified on receipt, and says so', async () => {
    const { connection, store } = await issuing()
    await connection.accessTokens.token()
    const { credentials } = await store.list('default', { kind: 'access', limit: 1 })
    expect(credentials[0]?.tokens?.verified).toBe(true)
    expect(publicKey).toContain('PUBLIC KEY')
  })

  it('is refused when another key signed it and it must verify, never stored, and why is said', async () => {
    const { process, store, events, upstream } = await issuing({ key: strangerKey })
    const connection = await process({ accessTokenFormat: 'jwt' })
    const error = await refusal(connection.accessTokens.token())
    expect(error).toMatchObject({ code: 'token_refused', reason: 'signature' })
    expect((await store.list('default', { kind: 'access', limit: 1 })).credentials[0]?.tokens).toBeUndefined()
    expect((await events()).at(-1)).toMatchObject({
      type: 'ACCESS_TOKEN_FAILED',
      error: { code: 'token_refused', reason: 'signature' },
    })
    expect(error.message).toContain("`accessTokenFormat: 'opaque'`")
    await refusal(connection.accessTokens.token())
    expect(upstream.asked.token).toHaveLength(1)
  })

  it('is taken as opaque when the key of guest tokens, the only one known, does not fit it', async () => {
    const { connection, store } = await issuing({ key: strangerKey })
    expect(await outcome(connection.accessTokens.token())).toMatch(/^eyJ/)
    const { credentials } = await store.list('default', { kind: 'access', limit: 1 })
    expect(credentials[0]?.tokens?.verified).toBe(false)
  })

  it('is refused when the key fits and it has expired', async () => {
    const { connection } = await issuing({ life: -MINUTE })
    expect(await refusal(connection.accessTokens.token())).toMatchObject({ code: 'token_refused', reason: 'expired' })
  })

  describe('beside which a key-set of the OAuth server is named', () => {
    const pair = generateKeyPairSync('rsa', { modulusLength: 2048 })
    const named = resolveHosts({
      oauthBaseUrl: 'https://login.example.com',
      apiBaseUrl: 'https://api.example.com',
      jwksUrl: 'https://login.example.com/keys',
    })

    /** Guest tokens are signed with the key of the PEM, access tokens with `key`; the key-set holds that of `pair`. */
    async function serving(key?: typeof strangerKey) {
      const here = await issuing(key ? { key } : {})
      const fetched: string[] = []
      const http: Http = async (request, signal) => {
        if (!request.url.endsWith('/keys')) return here.upstream.http(request, signal)
        fetched.push(request.url)
        return json(200, { keys: [pair.publicKey.export({ format: 'jwk' })] })
      }
      return { ...here, fetched, connection: await here.process({ hosts: named }, { http }) }
    }

    it('is judged by that key-set', async () => {
      const { connection, store, fetched } = await serving(pair.privateKey)
      await connection.accessTokens.token()
      const { credentials } = await store.list('default', { kind: 'access', limit: 1 })
      expect(credentials[0]?.tokens?.verified).toBe(true)
      expect(fetched).toHaveLength(1)
    })

    it('is refused when the key of guest tokens signed it', async () => {
      const { connection } = await serving()
      expect(await refusal(connection.accessTokens.token())).toMatchObject({
        code: 'token_refused',
        reason: 'signature',
      })
    })
  })

  it('that looks like none is taken as it is, and must be one where that is asked for', async () => {
    const here = world()
    const lax = await here.process()
    expect(await outcome(lax.accessTokens.token())).toBe('test-secret-token-1')
    const strict = await here.process({ accessTokenFormat: 'jwt', client: { id: 'strict' } })
    expect(await refusal(strict.accessTokens.token())).toMatchObject({ code: 'token_refused', reason: 'malformed' })
  })

  it('is not looked at where opaque ones are expected', async () => {
    const { process } = await issuing({ key: strangerKey })
    const { accessTokens } = await process({ accessTokenFormat: 'opaque' })
    expect(await outcome(accessTokens.token())).toMatch(/^eyJ/)
  })

  it('ends when it says, where the answer says later', async () => {
    const { connection, clock } = await issuing({ life: 10 * MINUTE })
    expect((await connection.accessTokens.token()).expiresAt).toBe(clock.wall() + 10 * MINUTE)
  })

  it.each([DAY, HOUR, 10 * SECOND, -10 * SECOND, -HOUR, -DAY])(
    'lives its life by an issuer whose clock is %i ms ahead',
    async (ahead) => {
      const { connection, clock, store, process, upstream } = await issuing({ ahead })
      const { expiresAt } = await connection.accessTokens.token()
      // Never past the token's own `exp`, which is earlier by a clock that is behind.
      expect(expiresAt).toBe(clock.wall() + HOUR + Math.min(ahead, 0))
      await clock.advance(30 * MINUTE)
      for (const one of [connection, await process()])
        expect((await one.accessTokens.token()).expiresAt).toBe(expiresAt)
      expect(upstream.asked.token).toHaveLength(1)
      expect(connection.issuerOffset()).toBe(ahead)
      expect(await store.fact('default', 'issuer-clock')).toMatchObject({ offset: ahead })
    },
  )

  it('by a clock that is days off is judged by our own', async () => {
    const { connection } = await issuing({ ahead: 3 * DAY })
    expect(await refusal(connection.accessTokens.token())).toMatchObject({ reason: 'not_yet_valid' })
    expect(connection.issuerOffset()).toBe(0)
  })

  it('the offset of the issuer is known to the next process with the same clock', async () => {
    const { connection, process } = await issuing({ ahead: HOUR })
    await connection.accessTokens.token()
    expect((await process()).issuerOffset()).toBe(HOUR)
  })

  it('the offset that a wrong clock measured counts for no other: neither expired tokens are valid nor good ones not', async () => {
    const { connection, process, clock } = await issuing({ ahead: -10 * MINUTE })
    await connection.accessTokens.token()
    clock.stepWall(-10 * MINUTE)
    const claims = (exp: number) => ({ sub: 'guest', iat: clock.wall() / SECOND, exp: (clock.wall() + exp) / SECOND })
    for (const { verifier } of [connection, await process()]) {
      const expired = await verifier.verify(jwt({ ...claims(-4 * MINUTE), iat: 0 }))
      expect(expired).toEqual({ valid: false, reason: 'expired' })
      expect(await verifier.verify(jwt(claims(HOUR)))).toMatchObject({ valid: true })
    }
  })
})
