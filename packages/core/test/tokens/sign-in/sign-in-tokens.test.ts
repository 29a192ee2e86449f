import { createPublicKey } from 'node:crypto'
import { describe, expect, it } from 'vitest'
import type { ConnectionOptions, ConnectionPorts } from '../../../src/connection/connection.ts'
import { MINUTE, SECOND } from '../../../src/domain/time.ts'
import type { Secret } from '../../../src/domain/secret.ts'
import { GuestpassError } from '../../../src/domain/errors.ts'
import type { HttpAnswer, HttpRequest } from '../../../src/ports/http.ts'
import type { Store } from '../../../src/ports/store.ts'
import { settle } from '../../../src/testing/index.ts'
import { json, jwt, publicKey, strangerKey } from '../../world/fake-upstream.ts'
import { advanceUntil, refusal, type World, world } from '../../world/world.ts'

const REDIRECT = 'http://127.0.0.1:8976/callback'
type Answer = (form: URLSearchParams) => HttpAnswer

/** An upstream where Ada signs in with opaque tokens, until a test says otherwise. */
async function signingIn(
  { store, ...ports }: Omit<Partial<ConnectionPorts>, 'store'> & { readonly store?: (of: World) => Store } = {},
  options: Partial<ConnectionOptions> = {},
) {
  const here = world()
  const asked = { token: 0, me: 0, device: 0, revoked: [] as string[], keys: 0 }
  const answers: Record<'token' | 'me' | 'keys', Answer> = {
    token: () => granted(),
    me: () => json(200, { id: 'ada' }),
    keys: () => json(200, { keys: [] }),
  }
  const http = async (request: HttpRequest): Promise<HttpAnswer> => {
    request.onSend?.()
    const { pathname } = new URL(request.url)
    const form = new URLSearchParams(request.body ?? '')
    if (pathname.endsWith('/revoke')) {
      asked.revoked.push(form.get('token') ?? '')
      return json(200, {})
    }
    if (pathname.endsWith('/users/me')) return (asked.me += 1), answers.me(form)
    if (pathname.endsWith('.json')) return (asked.keys += 1), answers.keys(form)
    if (pathname.endsWith('/token')) return (asked.token += 1), answers.token(form)
    asked.device += 1
    const device = { device_code: 'device', user_code: 'AB-CD', verification_uri: 'https://login.example.com/device' }
    return json(200, { ...device, expires_in: 600, interval: 5 })
  }
  const process = await here.process(
    { scopes: ['guest:write'], ...options },
    { ...ports, http, ...(store ? { store: store(here) } : {}) },
  )
  const back = async (scopes?: readonly string[]) => {
    const { url } = await process.signIn.begin({ redirectUri: REDIRECT, ...(scopes ? { scopes } : {}) })
    return new URLSearchParams({ code: 'code', state: new URL(url).searchParams.get('state') ?? '' })
  }
  const types = async (): Promise<readonly string[]> => (await here.events()).map(({ type }) => type)
  return { ...here, ...process, asked, answers, back, types }
}

const granted = (more: object = {}, headers: Readonly<Record<string, string>> = {}): HttpAnswer =>
  json(
    200,
    { access_token: 'opaque', refresh_token: 'refresh', expires_in: 3_600, scope: 'guest:write', ...more },
    headers,
  )

/** A store that takes no tokens while `error` gives an error. */
const troubled =
  (error: () => GuestpassError | undefined) =>
  ({ store }: World): Store => ({
    ...store,
    commit: async (change) => {
      const found = change.writes?.length ? error() : undefined
      if (found) throw found
      return store.commit(change)
    },
  })

describe('tokens that a sign-in brought', () => {
  it.each([
    ['full', () => new GuestpassError('store_unavailable', 'The disk is full.', { reason: 'disk_full' })],
    ['busy', () => new GuestpassError('store_busy', 'The store is busy.')],
  ])('wait for a store that is %s, for minutes', async (_what, error) => {
    let ill = true
    const here = await signingIn({ store: troubled(() => (ill ? error() : undefined)) })
    const done = here.signIn.complete(await here.back(), undefined, { patienceMs: 10 * MINUTE })
    await here.clock.advance(3 * MINUTE)
    ill = false
    await here.clock.advance(2 * SECOND)
    expect(await done).toMatchObject({ generation: 1, renewable: true })
    expect(here.asked.token).toBe(1)
  })

  it('come with the error when the store did not take them in the time that the process allows, with a report every 5 s', async () => {
    const heard: number[] = []
    const here = await signingIn({
      store: troubled(() => new GuestpassError('store_unavailable', 'The disk is full.', { reason: 'disk_full' })),
      onUnsaved: ({ sinceMs }) => heard.push(Math.floor(sinceMs / SECOND)),
      unsavedMs: MINUTE,
    })
    const ended = refusal(here.signIn.complete(await here.back(), undefined, { patienceMs: 10 * MINUTE }))
    await here.clock.advance(2 * MINUTE)
    const error = await ended
    expect(error).toMatchObject({ code: 'in_doubt', message: expect.stringContaining('The disk is full') })
    expect((error.unsaved as { token: Secret }).token.reveal()).toBe('opaque')
    expect(heard).toEqual([5, 10, 15, 20, 25, 30, 35, 40, 45, 50, 55])
  })

  it('wait for an upstream that cannot say now who signed in, where the connection belongs to a user', async () => {
    const here = await signingIn()
    await here.signIn.complete(await here.back())
    here.answers.me = () => json(503, {})
    const done = here.signIn.complete(await here.back())
    await here.clock.advance(30 * SECOND)
    here.answers.me = () => json(200, { id: 'ada' })
    await here.clock.advance(5 * SECOND)
    expect(await done).toMatchObject({ generation: 2, user: 'ada' })
    expect([here.asked.token, here.asked.revoked]).toEqual([2, []])
  })

  it('wait for keys that cannot be had now', async () => {
    const here = await signingIn({}, { publicKey: undefined } as never)
    here.answers.token = () => granted({ access_token: jwt({ sub: 'ada', exp: here.clock.wall() / SECOND + 3_600 }) })
    here.answers.keys = () => json(503, {})
    const error = await refusal(
      advanceUntil(here.clock, here.signIn.complete(await here.back(), undefined, { patienceMs: MINUTE })),
    )
    expect(error).toMatchObject({ code: 'deadline_exceeded', message: expect.stringContaining('same callback') })
    expect([here.asked.token, here.asked.revoked, here.asked.keys > 1]).toEqual([1, [], true])
  })

  it('that waited do not make the clock of the issuer look slow', async () => {
    const here = await signingIn({}, { publicKey: undefined } as never)
    const date = new Date(here.clock.wall()).toUTCString()
    const claims = { sub: 'ada', exp: here.clock.wall() / SECOND + 600 }
    here.answers.token = () => granted({ access_token: jwt(claims) }, { date })
    here.answers.keys = () => json(503, {})
    const done = here.signIn.complete(await here.back(), undefined, { patienceMs: 10 * MINUTE })
    await here.clock.advance(40 * SECOND)
    here.answers.keys = () => json(200, { keys: [createPublicKey(publicKey).export({ format: 'jwk' })] })
    await here.clock.advance(40 * SECOND)
    expect(await done).toMatchObject({ expiresAt: claims.exp * SECOND })
    expect(here.issuerOffset()).toBe(0)
  })

  it('have no scopes too many where none were asked for', async () => {
    const { signIn, back } = await signingIn()
    expect(await signIn.complete(await back([]))).toMatchObject({ scopes: ['guest:write'], missing: [], excess: [] })
  })

  it('are kept although an ID token that was not asked for is of a kind that is not read', async () => {
    const here = await signingIn()
    const [header, claims] = [{ alg: 'HS256' }, { sub: 'eve', aud: 'client' }].map((part) =>
      Buffer.from(JSON.stringify(part)).toString('base64url'),
    )
    here.answers.token = () => granted({ id_token: `${header}.${claims}.c2ln` })
    expect(await here.signIn.complete(await here.back())).toMatchObject({ user: 'ada' })
    expect(await refusal(here.signIn.complete(await here.back(['openid'])))).toMatchObject({ reason: 'id_token' })
  })

  it.each([
    ['of another user', 'identity', () => granted(), () => json(200, { id: 'eve' })],
    ['with a stranger’s ID token', 'id_token', () => granted({ id_token: jwt({ sub: 'ada', exp: 4e9 }, strangerKey) })],
    ['that do not verify', 'expired', () => granted({ access_token: jwt({ sub: 'ada', exp: 1 }) })],
  ] as [string, string, Answer, Answer?][])('%s are refused and revoked upstream', async (_what, reason, token, me) => {
    const here = await signingIn()
    await here.signIn.complete(await here.back())
    here.answers.token = token
    if (me) here.answers.me = me
    expect(await refusal(here.signIn.complete(await here.back()))).toMatchObject({ reason })
    expect(here.asked.revoked).toEqual(['refresh'])
    expect((await here.accessTokens.token()).generation).toBe(1)
  })
})

describe('a device', () => {
  it('asks for no tokens while the store has no room for them', async () => {
    let full = true
    const ensureRoom = async (): Promise<void> => {
      if (full) throw new GuestpassError('store_unavailable', 'The disk is full.', { reason: 'disk_full' })
    }
    const here = await signingIn({ store: ({ store }) => ({ ...store, ensureRoom }) })
    const done = here.deviceSignIn.run({ show: () => {} })
    await here.clock.advance(MINUTE)
    expect(here.asked.token).toBe(0)
    full = false
    await here.clock.advance(5 * SECOND)
    expect(await done).toMatchObject({ generation: 1 })
  })

  it('says that the store has no room when it had none until the code ended', async () => {
    const ensureRoom = async (): Promise<void> => {
      throw new GuestpassError('store_unavailable', 'The disk is full.', { reason: 'disk_full' })
    }
    const here = await signingIn({ store: ({ store }) => ({ ...store, ensureRoom }) })
    const ended = refusal(here.deviceSignIn.run({ show: () => {} }))
    await here.clock.advance(11 * MINUTE)
    expect(await ended).toMatchObject({ code: 'store_unavailable', reason: 'disk_full' })
    expect(here.asked.token).toBe(0)
  })

  it('ends its wait by the signal or the patience of its context, and its events name the actor', async () => {
    const here = await signingIn()
    here.answers.token = () => json(400, { error: 'authorization_pending' })
    const stop = new AbortController()
    const [given, over] = [
      here.deviceSignIn.run({ show: () => {} }, { signal: stop.signal }).catch((error: Error) => error.name),
      refusal(here.deviceSignIn.run({ show: () => {} }, { actor: 'clerk', patienceMs: 20 * SECOND })),
    ]
    await settle()
    stop.abort()
    await here.clock.advance(20 * SECOND)
    expect([await given, (await over).code]).toEqual(['AbortError', 'deadline_exceeded'])
    await here.clock.advance(MINUTE)
    const polls = here.asked.token
    await here.clock.advance(MINUTE)
    expect(here.asked.token).toBe(polls)
    expect((await here.events()).map(({ actor }) => actor)).toEqual(['library', 'clerk'])
  })
})
