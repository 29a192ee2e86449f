import { describe, expect, it } from 'vitest'
import { Secret } from '../../src/domain/secret.ts'
import { HOUR, MINUTE, SECOND } from '../../src/domain/time.ts'
import { guestScopes } from '../../src/upstream/guest-tokens/scopes.ts'
import { json } from '../world/fake-upstream.ts'
import { ann, applicantWorld } from '../world/applicant-world.ts'
import { ID, issued, refreshWorld, request } from '../world/refresh-world.ts'
import { advanceUntil, refusal, world } from '../world/world.ts'

const failing = { status: 503, headers: {}, bytes: new Uint8Array() }

describe('the audit record of a failure', () => {
  it('says how long a refresh took, its key, the status and what the guest was asked for', async () => {
    const { guests, upstream, clock, events } = await issued()
    upstream.meets(async () => {
      await clock.sleep(2 * SECOND)
      return failing
    })
    expect((await advanceUntil(clock, refusal(guests.refresh(ID)))).code).toBe('upstream_unavailable')
    const failed = (await events()).find(({ type }) => type === 'REFRESH_FAILED')
    expect(failed).toMatchObject({
      statusCode: 503,
      idempotencyKey: upstream.refreshes[0]?.key,
      error: { code: 'upstream_unavailable' },
      data: { api: 'guest-tokens', durationSeconds: 3_600, scopes: request.scopes },
    })
    expect(failed?.latencyMs).toBeGreaterThanOrEqual(2 * SECOND)
    expect(failed?.latencyMs).toBeLessThan(3 * SECOND)
  })

  it('says how long a request for a new guest token took, and what it asked for', async () => {
    const here = refreshWorld()
    here.upstream.minting = () => failing
    const { guests } = await here.process()
    await refusal(guests.issue({ scopes: [guestScopes[0]], duration: '2h' }))
    expect((await here.events()).find(({ type }) => type === 'TOKEN_FAILED')).toMatchObject({
      latencyMs: 0,
      statusCode: 503,
      data: { durationSeconds: 7_200, scopes: [guestScopes[0]] },
    })
  })

  it('says how long the refusal of a token from outside took', async () => {
    const { guests, upstream, events } = await issued()
    await refusal(guests.refresh(ID, { token: upstream.mint(ID, { sub: 'other' }) }))
    expect((await events()).at(-1)).toMatchObject({
      type: 'REFRESH_FAILED',
      latencyMs: 0,
      error: { reason: 'subject' },
    })
  })

  it('says how long a refresh ran whose process ended', async () => {
    const { guests, store, clock, row, events } = await issued()
    const credential = await row()
    if (!credential) throw new Error('no guest')
    const intent = {
      id: 'k',
      action: 'refresh',
      holder: 'gone',
      startedAt: clock.wall() - 2 * 24 * 60 * MINUTE,
    } as const
    const write = { credential: { ...credential, intent }, expect: { generation: credential.generation } }
    await store.commit({ connection: 'default', writes: [write] })
    await guests.refresh(ID)
    const failed = (await events()).find(({ type }) => type === 'REFRESH_FAILED')
    expect(failed).toMatchObject({ latencyMs: 2 * 24 * 60 * MINUTE, error: { code: 'refresh_impossible' } })
  })

  it('says how long a request for an access token took, by which grant, and the scopes', async () => {
    const here = world()
    const slow = async () => {
      await here.clock.sleep(3 * SECOND)
      return json(400, { error: 'invalid_scope' })
    }
    const { accessTokens } = await here.process({ scopes: ['a:b'] }, { http: slow })
    expect((await advanceUntil(here.clock, refusal(accessTokens.token()))).code).toBe('scope_missing')
    const failed = (await here.events()).find(({ type }) => type === 'ACCESS_TOKEN_FAILED')
    expect(failed).toMatchObject({ statusCode: 400, data: { grant: 'client_credentials', asked: ['a:b'] } })
    expect(failed?.latencyMs).toBeGreaterThanOrEqual(3 * SECOND)
  })

  it('says how long the refresh of a sign-in took', async () => {
    const here = world()
    const slow = async () => {
      await here.clock.sleep(3 * SECOND)
      return json(400, { error: 'invalid_grant' })
    }
    const { accessTokens } = await here.process({ refreshToken: new Secret('seed'), scopes: ['a:b'] }, { http: slow })
    expect((await advanceUntil(here.clock, refusal(accessTokens.token()))).code).toBe('needs_reauth')
    const failed = (await here.events()).find(({ type }) => type === 'ACCESS_TOKEN_FAILED')
    expect(failed).toMatchObject({ statusCode: 400, data: { grant: 'refresh_token', asked: ['a:b'] } })
    expect(failed?.latencyMs).toBeGreaterThanOrEqual(3 * SECOND)
    const ended = (await here.events()).find(({ type }) => type === 'GRANT_ENDED')
    expect(ended?.latencyMs).toBe(failed?.latencyMs)
  })

  it('says how long a sign-in took to fail', async () => {
    const here = world()
    const slow = async () => {
      await here.clock.sleep(3 * SECOND)
      return json(400, { error: 'invalid_grant' })
    }
    const { signIn } = await here.process({}, { http: slow })
    const { url } = await signIn.begin({ redirectUri: 'https://app.example.com/back', browser: 'b' })
    const state = new URL(url).searchParams.get('state') ?? ''
    const query = new URLSearchParams({ code: 'c', state })
    // The clock of the test goes on while the code of sign-ins is loaded.
    const ended = refusal(signIn.complete(query, 'b', { patienceMs: HOUR }))
    expect((await advanceUntil(here.clock, ended)).code).toBe('sign_in_refused')
    const failed = (await here.events()).find(({ type }) => type === 'SIGN_IN_FAILED')
    expect(failed).toMatchObject({ statusCode: 400 })
    expect(failed?.latencyMs).toBeGreaterThanOrEqual(3 * SECOND)
  })

  it('says how long an update of a guest took to fail', async () => {
    const here = applicantWorld()
    here.upstream.always('update', async () => {
      await here.clock.sleep(2 * SECOND)
      return json(403, {})
    })
    const connection = await here.process()
    await connection.guests.issue(ann)
    await advanceUntil(here.clock, connection.guests.enrichment.drain(new AbortController().signal))
    const failed = await here.last('GUEST_ENRICHMENT_FAILED')
    expect(failed).toMatchObject({ statusCode: 403 })
    expect(failed?.latencyMs).toBeGreaterThanOrEqual(2 * SECOND)
  })

  it('says how long the CRM took to fail, without the update of the guest', async () => {
    const here = applicantWorld()
    here.upstream.always('crm', async () => json(500, {}))
    here.upstream.always('update', async () => {
      await here.clock.sleep(2 * SECOND)
      return json(200, {})
    })
    const { guests } = await here.process({ crmUrl: 'https://crm.example.com' })
    await guests.issue(ann)
    await advanceUntil(here.clock, guests.enrichment.drain(new AbortController().signal))
    const failed = await here.last('GUEST_ENRICHMENT_FAILED')
    expect(failed).toMatchObject({ latencyMs: 0, data: { crm: 'failed' } })
  })
})
