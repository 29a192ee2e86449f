import { describe, expect, it } from 'vitest'
import type { ConnectionOptions } from '../../../src/connection/connection.ts'
import { SECOND } from '../../../src/domain/time.ts'
import type { Http } from '../../../src/ports/http.ts'
import { json, jwt } from '../../world/fake-upstream.ts'
import { ann, applicantWorld } from '../../world/applicant-world.ts'
import { ID, request } from '../../world/refresh-world.ts'
import { refreshingUpstream } from '../../world/refreshing-upstream.ts'
import { refusal, world } from '../../world/world.ts'

const MINT = 'webmessaging:guest:create'
const REFRESH = 'webmessaging:guesttoken:write'
const S2 = ['guest:write', 'guest:read']

/** Refuses what a client does not hold (RFC 6749, 5.2), and gives all scopes to a request that names none (3.3). */
function strict(http: Http, holds: readonly string[], asked: (string | null)[]): Http {
  return async (sent, signal) => {
    if (!sent.url.endsWith('/token')) return http(sent, signal)
    const scope = new URLSearchParams(sent.body).get('scope')
    asked.push(scope)
    const wanted = scope?.split(' ') ?? holds
    if (wanted.some((one) => !holds.includes(one))) return json(400, { error: 'invalid_scope' })
    return json(200, { access_token: `token-${asked.length}`, expires_in: 3_600, scope: wanted.join(' ') })
  }
}

async function guestTokens(holds: readonly string[], options: Partial<ConnectionOptions> = {}) {
  const here = world()
  const upstream = refreshingUpstream(here.clock)
  const asked: (string | null)[] = []
  const connection = await here.process(options, { http: strict(upstream.http, holds, asked) })
  return { ...here, ...connection, upstream, asked }
}

async function people(holds: readonly string[], options: Partial<ConnectionOptions> = {}) {
  const here = applicantWorld()
  const asked: (string | null)[] = []
  const connection = await here.process(options, { http: strict(here.upstream.http, holds, asked) })
  return { ...here, ...connection, asked }
}

describe('a client that holds the scopes of one job alone', () => {
  it('mints guest tokens', async () => {
    const { guests, asked } = await guestTokens([MINT])
    expect(await guests.issue(request)).toMatchObject({ generation: 1 })
    expect(asked).toEqual([MINT])
  })

  it('refreshes a guest token that is held outside', async () => {
    const { guests, upstream, asked } = await guestTokens([REFRESH])
    expect(await guests.refresh(ID, { token: upstream.mint(ID) })).toMatchObject({ guestId: ID, generation: 2 })
    expect(asked).toEqual([REFRESH])
  })

  it('authenticates guests, and gets a token that is for no API in particular', async () => {
    const { guests, accessTokens, asked } = await people(S2)
    expect(await guests.issue(ann)).toMatchObject({ generation: 1 })
    expect((await accessTokens.token()).scopes).toEqual(S2)
    expect(asked).toEqual([S2.join(' '), null])
  })

  it('gets the token at hand for an API by the very same promise', async () => {
    const { accessTokens } = await people(S2)
    const source = accessTokens.for('engagements')
    for (let times = 0; times < 2; times += 1) await source.token()
    expect(source.token()).toBe(source.token())
  })

  it('hears what was asked for, granted and missing, and why a new token was asked for at all', async () => {
    const { guests, upstream } = await guestTokens([REFRESH])
    const token = upstream.mint(ID)
    upstream.meets(() => json(400, { code: 'bad.request', message: 'guestTokenId unknown' }))
    const error = await refusal(guests.refresh(ID, { token }))
    expect(error).toMatchObject({ code: 'scope_missing', upstream: { status: 400, code: 'invalid_scope' } })
    expect(error.message).toMatch(/^refresh-guest-token: .*guestTokenId unknown/)
    expect(error.message).toContain(`It asked for ${MINT}, and nothing was granted: the OAuth client lacks ${MINT}.`)
    const later = await refusal(guests.refresh(ID))
    expect(later.message).toContain('guestTokenId unknown')
  })
})

describe('a client that holds all scopes', () => {
  it('asks once for each set of scopes, however many calls there are', async () => {
    const { guests, accessTokens, asked } = await guestTokens([MINT, REFRESH])
    for (let round = 0; round < 3; round += 1) {
      await guests.issue(request)
      await guests.refresh(ID)
      await accessTokens.token()
      await accessTokens.for('guest-tokens').token()
      await accessTokens.for({ scopes: [REFRESH, MINT] }).token()
    }
    expect(asked).toEqual([MINT, REFRESH, null, `${MINT} ${REFRESH}`])
  })

  it('asks for the scopes of the configuration alone where it names some', async () => {
    const scopes = [REFRESH, MINT]
    const { guests, accessTokens, asked } = await guestTokens([MINT, REFRESH], { scopes })
    await guests.issue(request)
    await guests.refresh(ID)
    await accessTokens.token()
    await accessTokens.for('guest-tokens').token()
    expect(asked).toEqual([scopes.join(' ')])
  })
})

it('the scopes of a sign-in are not asked for by client credentials, which are of no user', async () => {
  const scopes = ['openid', 'offline_access', MINT]
  const { guests, accessTokens, signIn, asked } = await guestTokens([MINT], { scopes })
  await guests.issue(request)
  await accessTokens.token()
  expect(asked).toEqual([MINT])
  const { url } = await signIn.begin({ redirectUri: 'http://127.0.0.1/cb' })
  expect(new URL(url).searchParams.get('scope')).toBe(scopes.join(' '))
})

describe('a token whose own verified claim names fewer scopes than the answer', () => {
  it('is served, and refused for what it lacks: asked for, granted and missing are named, and nothing is sent', async () => {
    const here = world()
    const scopes = [MINT, REFRESH, 'user:read']
    const { accessTokens, guests } = await here.process({ scopes })
    const access_token = jwt({ exp: here.clock.wall() / SECOND + 3_600, scope: 'user:read' })
    here.upstream.token = () => json(200, { access_token, expires_in: 3_600, scope: scopes.join(' ') })
    expect((await accessTokens.token()).scopes).toEqual(['user:read'])
    const error = await refusal(guests.issue(request))
    expect(error.code).toBe('scope_missing')
    expect(error.message).toContain(
      `the access token lacks the scope ${MINT}: this call asks for ${MINT}, and user:read was granted`,
    )
    expect(here.upstream.asked.mint).toEqual([])
    // Whole, not as a part of another one.
    expect((await refusal(accessTokens.for({ scopes: ['user'] }).token())).message).toContain('lacks the scope user:')
  })
})

describe('tokens for an API, or with scopes', () => {
  it('are refused when they lack a scope, which is named', async () => {
    const { accessTokens } = await guestTokens([...S2, MINT, REFRESH], { scopes: S2 })
    const error = await refusal(accessTokens.for('guest-tokens').token())
    expect(error.code).toBe('scope_missing')
    expect(error.message).toContain(`asks for ${MINT} ${REFRESH}, and ${S2.join(' ')} was granted`)
    expect((await accessTokens.for('engagements').token()).scopes).toEqual(S2)
  })

  it('are asked for by name although the configuration names others', async () => {
    const { accessTokens, asked } = await guestTokens([MINT, REFRESH], { scopes: [MINT] })
    expect((await accessTokens.for({ scopes: [REFRESH] }).token()).scopes).toEqual([REFRESH])
    expect(asked).toEqual([REFRESH])
  })

  it('name the scopes where upstream refuses them, or has none by default for a client', async () => {
    const { accessTokens } = await guestTokens([MINT])
    const error = await refusal(accessTokens.for({ scopes: ['x', 'y'] }).token())
    expect(error.message).toContain(
      'It asked for x y, and nothing was granted: the OAuth client lacks at least one of x, y.',
    )
    const none = world()
    none.upstream.token = () => json(400, { error: 'invalid_scope' })
    const { message } = await refusal((await none.process()).accessTokens.token())
    expect(message).toContain('It asked for no scope by name')
  })
})
