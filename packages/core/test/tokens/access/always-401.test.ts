import { describe, expect, it } from 'vitest'
import { Secret } from '../../../src/domain/secret.ts'
import { MINUTE, SECOND } from '../../../src/domain/time.ts'
import type { Http } from '../../../src/ports/http.ts'
import { json } from '../../world/fake-upstream.ts'
import { grantServer } from '../../world/grant-server.ts'
import { instead } from '../../world/scripted-answers.ts'
import { ann, applicantWorld } from '../../world/applicant-world.ts'
import { refusal } from '../../world/world.ts'

const SCOPES = 'guest:write guest:read webmessaging:guest:create externalusers:write webmessaging:guesttoken:write'

/** A signed-in user of an upstream whose guest APIs give scripted answers, and more processes on its store. */
async function signedIn() {
  const here = applicantWorld()
  const server = grantServer(here.clock)
  const refreshToken = new Secret(server.issue(SCOPES))
  const mints: string[] = []
  const http: Http = async (request, signal) => {
    if (request.url.endsWith('/oauth/token')) {
      request.onSend?.()
      return server.answering(request)
    }
    if (!request.url.endsWith('/generate-token')) return here.upstream.http(request, signal)
    mints.push(request.url)
    return json(401, {})
  }
  const policy = { retry: { retries: 3 }, limit: { perMinute: 60_000, burst: 1_000 }, breaker: { atLeast: 1_000 } }
  const options = { refreshToken, crmUrl: 'https://crm.example.com', policy }
  const another = () => here.process(options, { http })
  return { ...here, ...(await another()), server, mints, another }
}

describe('an API that answers 401 to every token', () => {
  it.each([
    ['a create', 'create', ann],
    ['the look at a channel', 'channel', ann],
    ['a create of a user', 'user', { api: 'external-users', email: 'ann@example.com', name: 'Ann' }],
  ] as const)('spends one refresh token on many calls: %s', async (_name, kind, request) => {
    const { guests, upstream, server } = await signedIn()
    upstream.always(kind, instead(401))
    for (let call = 0; call < 20; call += 1) await guests.issue(request).catch(() => {})
    expect(server.refreshes).toHaveLength(2)
  })

  it('gives the caller the 401 and says what to check, after two tries and then after one', async () => {
    const { guests, upstream, server } = await signedIn()
    upstream.always('create', instead(401))
    for (const tries of [2, 3, 4]) {
      const error = await refusal(guests.issue(ann))
      expect(error).toMatchObject({ code: 'access_rejected', upstream: { status: 401 } })
      expect(error.message).toMatch(/refuses fresh access tokens too.*Check the scopes and roles/)
      expect(upstream.asked.create).toHaveLength(tries)
    }
    expect(server.refreshes).toHaveLength(2)
  })

  it('takes nothing from other APIs of the sign-in: they are served with the token that was renewed', async () => {
    const { guests, upstream, server, mints } = await signedIn()
    await guests.issue(ann)
    for (let call = 0; call < 5; call += 1) await refusal(guests.issue({ scopes: ['webmessaging:guest:send'] }))
    expect(mints).toHaveLength(6)
    await guests.issue({ ...ann, email: 'bob@example.com' })
    expect([server.refreshes.length, upstream.asked.create.length]).toEqual([2, 2])
  })

  it('spends few refresh tokens on processes that end with their call', async () => {
    const { upstream, server, another, clock, store } = await signedIn()
    upstream.always('create', instead(401))
    for (let call = 0; call < 20; call += 1) await refusal((await another()).guests.issue(ann))
    expect(server.refreshes).toHaveLength(2)
    await clock.advance(SECOND)
    for (let call = 0; call < 20; call += 1) await refusal((await another()).guests.issue(ann))
    expect(server.refreshes).toHaveLength(3)
    const found = JSON.stringify(await store.fact('default', 'refused-tokens'))
    expect(found).toContain('"waitMs":2000')
    expect(found).not.toContain('test-secret-access-')
    await store.setFact('default', 'refused-tokens', { 'create-guest': 'nonsense' })
    await refusal((await another()).guests.issue(ann))
    expect(server.refreshes).toHaveLength(4)
  })

  it('keeps no process from the token that another one has renewed', async () => {
    const { upstream, server, another } = await signedIn()
    const others = await Promise.all([another(), another()])
    for (const [nth, { guests }] of others.entries()) await guests.issue({ ...ann, email: `${nth}@example.com` })
    for (const [nth, { guests }] of others.entries()) {
      upstream.meets('create', instead(401))
      await guests.issue({ ...ann, email: `${nth}@example.org` })
    }
    expect(server.refreshes).toHaveLength(2)
  })

  it('is tried with a new token now and then, and no more damped once it takes one', async () => {
    const { guests, upstream, server, clock } = await signedIn()
    upstream.always('create', instead(401))
    for (let passed = 0; passed < 10 * MINUTE; passed += 10 * SECOND) {
      await refusal(guests.issue(ann))
      await clock.advance(10 * SECOND)
    }
    expect(server.refreshes.length).toBeLessThan(12)
    upstream.always('create', undefined)
    const before = server.refreshes.length
    await guests.issue(ann)
    upstream.meets('create', instead(401))
    await guests.issue({ ...ann, email: 'bob@example.com' })
    expect(server.refreshes).toHaveLength(before + 1)
  })
})

it('a CRM that answers 401 is asked once: there is no other token for it', async () => {
  const { guests, upstream } = await signedIn()
  upstream.always('crm', instead(401))
  expect((await guests.issue(ann)).generation).toBe(1)
  expect(upstream.asked.crm).toHaveLength(1)
})
