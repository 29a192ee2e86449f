import {
  type Connection,
  connection,
  connectionView,
  memoryStore,
  resolveHosts,
  Secret,
  type Store,
} from '@guestpass/core'
import { eventsOf } from '@guestpass/core/runtime-kit'
import { nodePorts } from '@guestpass/core/node'
import { type Sandbox, sandbox } from '@guestpass/sandbox'
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest'

const REDIRECT = 'http://127.0.0.1:8976/callback'
const SCOPES = ['webmessaging:guest:create', 'externalusers:write', 'openid']
const MINUTE = 60_000

let upstream: Sandbox
const ports = nodePorts()
let store: Store
let ahead = 0
const clock = { ...ports.clock, wall: () => ports.clock.wall() + ahead }

beforeAll(async () => {
  upstream = await sandbox({ autoConsent: true, rateLimit: { perMinute: 6_000 } })
})
afterAll(async () => {
  await upstream.close()
  await ports.close()
})
beforeEach(() => {
  ahead = 0
  store = memoryStore({ clock })
  upstream.script([])
  upstream.consent({ auto: true })
})

const process = (clientId = upstream.publicClientId, secret?: string): Promise<Connection> =>
  connection(
    {
      hosts: resolveHosts({ oauthBaseUrl: upstream.url, apiBaseUrl: upstream.url }),
      client: { id: clientId, ...(secret === undefined ? {} : { secret: new Secret(secret) }) },
      scopes: SCOPES,
    },
    { ...ports, clock, store },
  )

/** What the browser brings back after it was sent to an address. */
async function visited(url: string): Promise<URLSearchParams> {
  const answer = await fetch(url, { redirect: 'manual' })
  return new URL(answer.headers.get('location') ?? 'no:redirect').searchParams
}
const begun = async (signIn: Connection['signIn'], browser?: string): Promise<URLSearchParams> => {
  const { url } = await signIn.begin({ redirectUri: REDIRECT, ...(browser === undefined ? {} : { browser }) })
  return visited(url)
}
const reasonOf = (promise: Promise<unknown>): Promise<unknown> =>
  promise.then(
    () => 'accepted',
    (thrown: { code?: string; reason?: string }) => thrown.reason ?? thrown.code,
  )
const tokenRequests = (): number => upstream.journal().filter(({ operation }) => operation === 'token').length
const types = async (): Promise<readonly string[]> => {
  const all: string[] = []
  for await (const { type } of eventsOf(store, 'default')) all.push(type)
  return all
}

describe('a sign-in', () => {
  it.each([
    ['a public client', () => process()],
    ['a client with a secret', () => process(upstream.env['GENESYS_CLIENT_ID'], upstream.env['GENESYS_CLIENT_SECRET'])],
  ])('of %s gives the connection its tokens, which it renews', async (_name, make) => {
    const { signIn, accessTokens } = await make()
    const signedIn = await signIn.complete(await begun(signIn))
    expect(signedIn).toMatchObject({ generation: 1, renewable: true, missing: [], excess: [] })
    expect(signedIn.user).toBe(upstream.users[0]?.id)
    const first = await accessTokens.token()
    expect([first.generation, [...first.scopes].sort()]).toEqual([1, [...SCOPES].sort()])
    ahead = 58 * MINUTE
    accessTokens.reportRejected(first.token)
    expect((await accessTokens.token()).generation).toBe(2)
    expect(await types()).toEqual([
      'SIGN_IN_STARTED',
      'SIGN_IN_COMPLETED',
      'ACCESS_TOKEN_INITIATED',
      'ACCESS_TOKEN_RENEWED',
    ])
  })

  it('is picked up by another process of the connection', async () => {
    const here = await process()
    const other = await process()
    await here.signIn.complete(await begun(here.signIn))
    expect((await other.accessTokens.token()).generation).toBe(1)
  })

  it('is refused with a state that is missing, unknown, or was used for another code', async () => {
    const { signIn } = await process()
    const query = await begun(signIn)
    const without = new URLSearchParams(query)
    without.delete('state')
    const forged = new URLSearchParams(query)
    forged.set('state', 'x'.repeat(43))
    expect(await reasonOf(signIn.complete(without))).toBe('state')
    expect(await reasonOf(signIn.complete(forged))).toBe('state')
    expect(await reasonOf(signIn.complete(query))).toBe('accepted')
    query.set('code', 'another')
    expect(await reasonOf(signIn.complete(query))).toBe('replayed')
  })

  it.each([
    ['the same process', false],
    ['another process', true],
  ])('that comes twice at the same moment is completed once, and both get its answer: %s', async (_name, apart) => {
    const one = await process()
    const other = apart ? await process() : one
    const query = await begun(one.signIn)
    const before = tokenRequests()
    const [first, second] = await Promise.all([one.signIn.complete(query), other.signIn.complete(query)])
    expect([second, tokenRequests() - before]).toEqual([first, 1])
  })

  it('is refused after ten minutes, and says so', async () => {
    const { signIn } = await process()
    const query = await begun(signIn)
    ahead = 10 * MINUTE
    expect(await reasonOf(signIn.complete(query))).toBe('expired')
  })

  it('is refused in another browser than it was begun in, which takes nothing from the one that began', async () => {
    const { signIn } = await process()
    const query = await begun(signIn, 'cookie-of-the-browser')
    expect(await reasonOf(signIn.complete(query))).toBe('browser')
    expect(await reasonOf(signIn.complete(query, 'another-cookie'))).toBe('browser')
    expect(await reasonOf(signIn.complete(query, 'cookie-of-the-browser'))).toBe('accepted')
  })

  it('is refused by upstream when the verifier is another, and the code is not sent twice', async () => {
    const { signIn } = await process()
    const [one, other] = [await begun(signIn), await begun(signIn)]
    const mixed = new URLSearchParams({ code: other.get('code') ?? '', state: one.get('state') ?? '' })
    const before = tokenRequests()
    expect(await reasonOf(signIn.complete(mixed))).toBe('sign_in_refused')
    expect(tokenRequests() - before).toBe(1)
    expect(await types()).toContain('SIGN_IN_FAILED')
  })

  it('never repeats a lost exchange: it is in doubt, and a new sign-in works', async () => {
    const { signIn } = await process()
    const query = await begun(signIn)
    upstream.script([{ on: 'token', do: { drop: 'after' } }])
    const before = tokenRequests()
    expect(await reasonOf(signIn.complete(query))).toBe('in_doubt')
    expect(tokenRequests() - before).toBe(1)
    expect(await reasonOf(signIn.complete(await begun(signIn)))).toBe('accepted')
  })

  it('that was denied is reported as such', async () => {
    const { signIn } = await process()
    upstream.consent({ auto: true, deny: true })
    expect(await reasonOf(signIn.complete(await begun(signIn)))).toBe('sign_in_denied')
  })

  it('of another user is refused once the connection belongs to a user', async () => {
    const { signIn, accessTokens } = await process()
    await signIn.complete(await begun(signIn))
    upstream.consent({ auto: true, user: upstream.users[1]?.id ?? '' })
    expect(await reasonOf(signIn.complete(await begun(signIn)))).toBe('identity')
    expect((await accessTokens.token()).generation).toBe(1)
  })

  it('with opaque tokens is bound to whom upstream names, as with those that say it themselves', async () => {
    const opaque = await sandbox({ autoConsent: true, accessTokenFormat: 'opaque' })
    const { signIn } = await connection(
      {
        hosts: resolveHosts({ oauthBaseUrl: opaque.url, apiBaseUrl: opaque.url }),
        client: { id: opaque.publicClientId },
        scopes: ['webmessaging:guest:create'],
      },
      { ...ports, clock, store },
    )
    try {
      expect(await signIn.complete(await begun(signIn))).toMatchObject({ user: opaque.users[0]?.id })
      expect((await connectionView(store, 'default')).organization).toMatch(/^[\da-f-]{36}$/)
      opaque.consent({ auto: true, user: opaque.users[1]?.id ?? '' })
      expect(await reasonOf(signIn.complete(await begun(signIn)))).toBe('identity')
    } finally {
      await opaque.close()
    }
  })

  it('leaves state, verifier, code and tokens in no event', async () => {
    const { signIn } = await process()
    const query = await begun(signIn)
    await signIn.complete(query)
    const events = []
    for await (const one of eventsOf(store, 'default')) events.push(one)
    const said = JSON.stringify(events)
    expect([query.get('code') ?? '?', query.get('state') ?? '?', 'eyJ'].filter((one) => said.includes(one))).toEqual([])
  })
})
