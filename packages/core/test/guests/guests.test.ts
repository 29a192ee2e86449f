import { describe, expect, it } from 'vitest'
import { guestIn } from '../../src/domain/credential.ts'
import type { Event } from '../../src/domain/events/event.ts'
import { Secret } from '../../src/domain/secret.ts'
import { HOUR, MINUTE, SECOND } from '../../src/domain/time.ts'
import { GuestpassError } from '../../src/domain/errors.ts'
import type { TokenReady } from '../../src/guests/events/listeners.ts'
import { guestScopes } from '../../src/upstream/guest-tokens/scopes.ts'
import { report } from '../../src/report/report.ts'
import { settle } from '../../src/testing/index.ts'
import { resolveHosts } from '../../src/upstream/hosts.ts'
import { type Answering, granted, guestClaims, held, json, jwt, strangerKey } from '../world/fake-upstream.ts'
import { outcome, refusal, world } from '../world/world.ts'

const ID = '6f9619ff-8b86-4d11-b42d-00c04fc964ff'
const request = { guestId: ID, scopes: [guestScopes[0], guestScopes[1]] }

async function started(options: Parameters<ReturnType<typeof world>['process']>[0] = {}) {
  const here = world()
  const connection = await here.process(options)
  /** Answers with a token that says something else than it should. */
  const minting = (change: Record<string, unknown>, key?: typeof strangerKey): void => {
    here.upstream.mint = (asked) =>
      json(200, { token: jwt({ ...guestClaims(asked, here.clock.wall(), 0), ...change }, key) })
  }
  return {
    ...here,
    connection,
    guests: connection.guests,
    minting,
    mints: () => here.upstream.asked.mint.length,
    row: async () => guestIn(await here.store.find('default', ID)),
  }
}

const types = (events: readonly Event[]): string[] =>
  events.map(({ type }) => type).filter((type) => !type.startsWith('ACCESS_'))

describe('a guest token', () => {
  it('is issued for a new guest, verified and stored', async () => {
    const { guests, clock, upstream, row, connection } = await started()
    const guest = await guests.issue({ ...request, duration: 'standard' })
    expect(guest).toMatchObject({
      guestId: ID,
      api: 'guest-tokens',
      expiresAt: clock.wall() + 2 * HOUR,
      generation: 1,
      verified: true,
    })
    expect(upstream.asked.mint[0]?.headers['authorization']).toBe('Bearer test-secret-token-1')
    expect((await row())?.tokens?.access.reveal()).toBe(guest.token.reveal())
    expect(await connection.verifier.verify(guest.token.reveal(), { subject: ID })).toMatchObject({ valid: true })
  })

  it('gets a new guest id when none is given', async () => {
    const { guests } = await started()
    const [one, other] = [
      await guests.issue({ scopes: request.scopes }),
      await guests.issue({ scopes: request.scopes }),
    ]
    expect(one.guestId).not.toBe(other.guestId)
    expect((await guests.show(one.guestId)).status).toBe('active')
  })

  it('is the next generation for a known guest, however the id is written', async () => {
    const { guests, row } = await started()
    await guests.issue(request)
    const { subject } = (await row()) ?? {}
    const second = await guests.issue({ ...request, guestId: ID.toUpperCase(), duration: 60 })
    expect(second.generation).toBe(2)
    expect((await guests.list()).guests).toHaveLength(1)
    expect((await row())?.subject).toBe(subject)
    expect((await row())?.request).toMatchObject({ durationSeconds: 60 })
  })

  it('is issued to each of many concurrent calls, one generation after the other', async () => {
    const { guests, row, store, clock } = await started()
    const all = await Promise.all([
      guests.issue({ ...request, duration: 'max' }),
      ...Array.from({ length: 9 }, () => guests.issue({ ...request, duration: 60 })),
    ])
    expect(all.map(({ generation }) => generation).sort((a, b) => a - b)).toEqual([1, 2, 3, 4, 5, 6, 7, 8, 9, 10])
    expect((await row())?.aliveUntil).toBe(clock.wall() + 24 * HOUR)
    const { events } = await store.events('default', { limit: 99 })
    const issued = events.filter(({ type }) => type === 'TOKEN_GENERATED_SUCCESS')
    expect(issued.map(({ generation }) => generation)).toEqual([1, 2, 3, 4, 5, 6, 7, 8, 9, 10])
  })

  it('is served while fresh, and renewed once for all callers when due', async () => {
    const { guests, clock, mints } = await started()
    const first = await guests.issue(request)
    const ask = () => guests.token(ID)
    expect((await ask()).token.reveal()).toBe(first.token.reveal())
    await clock.advance(HOUR)
    const all = await Promise.all(Array.from({ length: 50 }, ask))
    expect(new Set(all.map(({ generation }) => generation))).toEqual(new Set([2]))
    expect(new Set(all.map(({ token }) => token.reveal())).size).toBe(1)
    expect(mints()).toBe(2)
  })

  it('is served while fresh without a question to the store whether it was revoked', async () => {
    const here = world()
    const asked: string[] = []
    const denied = (connection: string, print: string): Promise<boolean> => {
      asked.push(print)
      return here.store.denied(connection, print)
    }
    const { guests, verifier } = await here.process({}, { store: { ...here.store, denied } })
    const { token } = await guests.issue(request)
    asked.length = 0
    await guests.token(ID)
    expect(asked).toEqual([])
    await verifier.verify(token.reveal())
    expect(asked).toHaveLength(1)
  })

  it('is renewed in the background in the advisory window, with one request for all callers', async () => {
    const { guests, clock, mints, upstream } = await started()
    const first = await guests.issue(request)
    await guests.token(ID)
    const next = held(() => json(200, {}))
    const { mint } = upstream
    const later: Answering = async (asked, signal) => {
      await next.answering(asked, signal)
      return mint(asked, signal)
    }
    upstream.mint = later
    await clock.advance(57 * MINUTE)
    for (let round = 0; round < 5; round += 1) {
      expect((await guests.token(ID)).token.reveal()).toBe(first.token.reveal())
      await settle()
    }
    expect(mints()).toBe(2)
    next.release()
    await settle()
    expect((await guests.token(ID)).generation).toBe(2)
    expect(mints()).toBe(2)
  })

  it('is served until it expires when its renewal fails, without a retry for each caller', async () => {
    const { guests, clock, upstream, mints } = await started()
    await guests.issue(request)
    await clock.advance(HOUR - MINUTE)
    upstream.mint = () => json(403, { code: 'forbidden' })
    for (let round = 0; round < 5; round += 1) expect((await guests.token(ID)).generation).toBe(1)
    expect(mints()).toBe(2)
    await clock.advance(MINUTE)
    expect(await outcome(guests.token(ID))).toBe('access_denied')
  })

  it('expires by the clock of its issuer', async () => {
    const { guests, clock, upstream } = await started()
    upstream.mint = (asked) => {
      const at = clock.wall() - HOUR
      return json(200, { token: jwt(guestClaims(asked, at, 1)) }, { date: new Date(at).toUTCString() })
    }
    const guest = await guests.issue(request)
    // The token's own `exp`, in the issuer's time.
    expect(guest.expiresAt).toBe(clock.wall())
    await clock.advance(50 * MINUTE)
    expect((await guests.token(ID)).generation).toBe(1)
  })

  it('is requested once more with another access token after a 401', async () => {
    const { guests, upstream, mints } = await started()
    const { mint } = upstream
    upstream.mint = (asked, signal) =>
      asked.headers['authorization'] === 'Bearer test-secret-token-1'
        ? json(401, { code: 'bad.credentials' })
        : mint(asked, signal)
    expect((await guests.issue(request)).generation).toBe(1)
    expect([mints(), upstream.asked.token.length]).toEqual([2, 2])
    upstream.mint = () => json(401, { code: 'bad.credentials' })
    expect(await refusal(guests.issue(request))).toMatchObject({ code: 'access_rejected', upstream: { status: 401 } })
    expect(mints()).toBe(4)
  })

  it('rejects an unknown guest without calling the upstream', async () => {
    const { guests, upstream } = await started()
    for (const ask of [guests.token, guests.show, guests.revoke]) {
      expect((await refusal(ask(ID))).code).toBe('guest_unknown')
      expect((await refusal(ask('unknown'))).code).toBe('guest_unknown')
      expect((await refusal(ask('..'))).code).toBe('invalid_input')
    }
    expect(upstream.asked.token).toHaveLength(0)
  })

  it('rejects a guest of another connection', async () => {
    const { guests, process } = await started()
    await guests.issue(request)
    const other = await process({ name: 'other' })
    expect((await refusal(other.guests.token(ID))).code).toBe('guest_unknown')
    expect((await other.guests.list()).guests).toEqual([])
  })
})

describe('a call that sends nothing', () => {
  const nothingSent = ({ upstream }: { upstream: ReturnType<typeof world>['upstream'] }): void => {
    expect([upstream.asked.token.length, upstream.asked.mint.length]).toEqual([0, 0])
  }

  it('rejects an invalid request', async () => {
    const here = await started()
    expect((await refusal(here.guests.issue({ scopes: ['all'] }))).code).toBe('invalid_input')
    nothingSent(here)
    expect(await here.events()).toEqual([])
  })

  it('rejects every call for guests on a public host', async () => {
    const here = await started()
    await here.guests.issue(request)
    const platform = resolveHosts({ region: 'mypurecloud.ie' })
    const other = world()
    const publicOne = await here.process({ hosts: platform }, { http: other.upstream.http })
    expect((await refusal(publicOne.guests.issue(request))).code).toBe('api_not_public')
    await here.clock.advance(HOUR)
    expect((await refusal(publicOne.guests.token(ID))).code).toBe('api_not_public')
    nothingSent(other)
  })

  it('sends to a public host that is configured as a gateway', async () => {
    const here = world()
    const { guests } = await here.process({ hosts: resolveHosts({ region: 'mypurecloud.ie' }), gateway: true })
    expect((await guests.issue(request)).generation).toBe(1)
  })

  it('rejects an access token that lacks the scope', async () => {
    const here = await started()
    here.upstream.token = () => granted(1, { scope: 'webmessaging:guest:create:all webmessaging:guesttoken:write' })
    const error = await refusal(here.guests.issue(request))
    expect(error.code).toBe('scope_missing')
    expect(error.message).toMatch(
      /lacks the scope webmessaging:guest:create: .* asks for webmessaging:guest:create, and webmessaging:guest:create:all /,
    )
    expect(here.upstream.asked.mint).toHaveLength(0)
    expect(types(await here.events())).toEqual(['TOKEN_REQUEST_INITIATED', 'TOKEN_FAILED'])
  })

  it('rejects a call that was cancelled before', async () => {
    const here = await started()
    const asked = here.guests.issue(request, { signal: AbortSignal.abort(new Error('enough')) })
    await expect(asked).rejects.toThrow('enough')
    nothingSent(here)
  })
})

describe('a token that does not verify', () => {
  it.each<[string, Record<string, unknown>, typeof strangerKey | undefined]>([
    ['signature', {}, strangerKey],
    ['subject', { sub: '00000000-0000-0000-0000-000000000000' }, undefined],
    ['scope', { scope: guestScopes[0] }, undefined],
    ['scope', { scope: [`${guestScopes[0]}:all`, guestScopes[1]] }, undefined],
    ['expired', { exp: 1_000 }, undefined],
    ['missing_exp', { exp: undefined }, undefined],
    ['not_yet_valid', { nbf: 4_000_000_000 }, undefined],
    ['issuer', { iss: 'stranger' }, undefined],
    ['audience', { aud: 'stranger' }, undefined],
    ['issuer', { org: 'stranger' }, undefined],
    ['malformed', { exp: 'tomorrow' }, undefined],
  ])('is never returned, stored or announced, for the reason %s: %j', async (reason, change, key) => {
    const pins = { issuer: 'upstream', audience: 'us', organization: { claim: 'org', id: 'our-organisation' } }
    const { guests, minting, row, events, store } = await started(pins)
    const good = { iss: 'upstream', aud: ['us'], org: 'our-organisation' }
    minting(good)
    await guests.issue(request)
    const heard: TokenReady[] = []
    guests.onTokenReady((ready) => void heard.push(ready))
    minting({ ...good, ...change }, key)
    const error = await refusal(guests.issue(request))
    expect(error).toMatchObject({ code: 'token_refused', reason })
    expect(heard).toEqual([])
    expect((await row())?.generation).toBe(1)
    expect((await events()).at(-1)).toMatchObject({
      type: 'TOKEN_FAILED',
      outcome: 'failure',
      error: { code: 'token_refused', reason },
    })
    expect((await report(store, 'default')).guestTokens).toMatchObject({ totalRequests: 2, succeeded: 1, failed: 1 })
  })

  it('does not replace the former token', async () => {
    const { guests, minting, clock, row } = await started()
    const first = await guests.issue(request)
    minting({}, strangerKey)
    await clock.advance(HOUR - SECOND)
    expect((await guests.token(ID)).token.reveal()).toBe(first.token.reveal())
    await clock.advance(SECOND)
    expect(await refusal(guests.token(ID))).toMatchObject({ code: 'token_refused', reason: 'signature' })
    expect((await row())?.generation).toBe(1)
  })

  it('is refused when it is no JWT', async () => {
    const { guests, upstream } = await started()
    for (const [token, reason] of [
      ['opaque', 'malformed'],
      [`${'a'.repeat(16_384)}.b.c`, 'oversized'],
    ]) {
      upstream.mint = () => json(200, { token })
      expect(await refusal(guests.issue(request))).toMatchObject({ code: 'token_refused', reason })
    }
  })
})

describe('the events of guests', () => {
  it('share correlation id and subject for one request, in order, and never name the guest', async () => {
    const { guests, events, clock, upstream } = await started()
    await guests.issue(request, { correlationId: 'request-1' })
    await clock.advance(HOUR)
    await guests.token(ID)
    await clock.advance(HOUR)
    upstream.mint = () => json(503, { code: 'some.code', message: `guest ${ID.toUpperCase()} of ${ID}` })
    await refusal(guests.token(ID))
    await refusal(guests.issue(request))
    const all = (await events()).filter(({ type }) => !type.startsWith('ACCESS_'))
    expect(all.map((event) => [event.type, event.outcome, event.generation, event.statusCode])).toEqual([
      ['TOKEN_REQUEST_INITIATED', 'pending', 0, undefined],
      ['TOKEN_GENERATED_SUCCESS', 'success', 1, 200],
      ['REFRESH_INITIATED', 'pending', 1, undefined],
      ['REFRESH_COMPLETED', 'success', 2, 200],
      ['REFRESH_INITIATED', 'pending', 2, undefined],
      ['REFRESH_FAILED', 'failure', 2, 503],
      ['TOKEN_REQUEST_INITIATED', 'pending', 2, undefined],
      ['TOKEN_FAILED', 'failure', 2, 503],
    ])
    expect(all[0]?.correlationId).toBe('request-1')
    const pairs = all.map(({ correlationId }) => correlationId)
    expect([pairs[0], pairs[2], pairs[4], pairs[6]]).toEqual([pairs[1], pairs[3], pairs[5], pairs[7]])
    expect(new Set(pairs).size).toBe(4)
    expect(new Set(all.map(({ subject }) => subject)).size).toBe(1)
    expect(new Set(all.map(({ id }) => id)).size).toBe(8)
    expect(JSON.stringify(all).toLowerCase()).not.toContain(ID)
  })

  it('contain the latency and the scopes of a token', async () => {
    const { guests, events, clock, upstream } = await started()
    const { mint } = upstream
    const slow = held(() => json(200, {}))
    upstream.mint = async (asked, signal) => {
      await slow.answering(asked, signal)
      return mint(asked, signal)
    }
    const asked = guests.issue({ ...request, duration: 60 })
    await clock.advance(1_500)
    slow.release()
    await asked
    expect((await events()).at(-1)).toMatchObject({
      type: 'TOKEN_GENERATED_SUCCESS',
      latencyMs: 1_500,
      actor: 'library',
      connection: 'default',
      data: { api: 'guest-tokens', scopes: request.scopes, durationSeconds: 60, verified: true },
    })
  })

  it('contain a cancelled call', async () => {
    const { guests, events, upstream } = await started()
    upstream.mint = held(() => json(200, {})).answering
    const impatient = new AbortController()
    const asked = guests.issue(request, { signal: impatient.signal })
    await settle()
    impatient.abort(new Error('enough'))
    await expect(asked).rejects.toThrow('enough')
    await settle()
    expect((await events()).at(-1)).toMatchObject({ type: 'TOKEN_FAILED', error: { code: 'cancelled' } })
  })

  it('keep the first failure when the store fails too', async () => {
    const here = world()
    let broken = false
    const store = {
      ...here.store,
      commit: (change: Parameters<typeof here.store.commit>[0]) =>
        broken ? Promise.reject(new GuestpassError('store_busy', 'The store is busy.')) : here.store.commit(change),
    }
    const { guests } = await here.process({}, { store })
    here.upstream.mint = () => {
      broken = true
      return json(403, {})
    }
    expect((await refusal(guests.issue(request))).code).toBe('access_denied')
  })
})

describe('a listener', () => {
  it('is called with every stored token and the data for a chat', async () => {
    const { guests, clock, row } = await started()
    const heard: [TokenReady, number | undefined, string][] = []
    guests.onTokenReady(async (ready, secret) => void heard.push([ready, (await row())?.generation, secret.reveal()]))
    const { token } = await guests.issue(request)
    await clock.advance(HOUR)
    await guests.token(ID)
    await settle()
    expect(heard.map(([, generation]) => generation)).toEqual([1, 2])
    expect(heard.map(([ready]) => ready.generation)).toEqual([1, 2])
    const [first, , said] = heard[0] ?? []
    expect(said).toBe(token.reveal())
    expect(first).toEqual({
      guestId: ID,
      kind: 'issued',
      generation: 1,
      tokenIssuedAt: new Date(clock.wall() - HOUR).toISOString(),
      latencyMs: 0,
      successRate: 100,
      claims: expect.objectContaining({ sub: ID }),
    })
  })

  it('is called only with the token of its call', async () => {
    const { guests } = await started()
    const heard: [string, TokenReady, string][] = []
    const own = (name: string) => ({
      onReady: (ready: TokenReady, token: Secret) => void heard.push([name, ready, token.reveal()]),
    })
    const first = await guests.issue(request, own('issue'))
    await guests.issue({ scopes: request.scopes })
    expect(heard).toEqual([
      [
        'issue',
        {
          guestId: ID,
          kind: 'issued',
          generation: 1,
          tokenIssuedAt: expect.stringMatching(/Z$/),
          latencyMs: 0,
          successRate: 100,
          claims: expect.objectContaining({ sub: ID }),
        },
        first.token.reveal(),
      ],
    ])
    await guests.token(ID, own('token'))
    expect(heard.at(-1)?.[2]).toBe(first.token.reveal())
  })

  it('fails no call when it throws, and is not called for a failed call', async () => {
    const { guests, upstream } = await started()
    const throwing = () => {
      throw new Error('mine')
    }
    expect((await guests.issue(request, { onReady: throwing })).generation).toBe(1)
    const heard: unknown[] = []
    upstream.mint = () => json(403, {})
    await refusal(guests.issue(request, { onReady: (ready) => void heard.push(ready) }))
    expect(heard).toEqual([])
  })

  it.each<[string, () => void | Promise<void>]>([
    [
      'throws',
      () => {
        throw new Error('mine')
      },
    ],
    ['rejects', () => Promise.reject(new Error('mine'))],
    ['never ends', () => new Promise(() => {})],
  ])('fails no call when it %s', async (_, listener) => {
    const { guests, connection } = await started()
    const heard: string[] = []
    guests.onTokenReady(listener)
    guests.onTokenReady(({ guestId }) => void heard.push(guestId))
    expect((await guests.issue(request)).generation).toBe(1)
    await settle()
    expect(heard).toEqual([ID])
    expect(connection.meters.counted('guest_token_issued')).toBe(1)
  })

  it('is not called after it was removed', async () => {
    const { guests } = await started()
    const heard: string[] = []
    const off = guests.onTokenReady(({ guestId }) => void heard.push(guestId))
    off()
    off()
    await guests.issue(request)
    expect(heard).toEqual([])
  })

  it('gets the success rate of finished requests', async () => {
    const { guests, upstream } = await started()
    const rates: number[] = []
    guests.onTokenReady(({ successRate }) => void rates.push(successRate))
    await Promise.all(Array.from({ length: 5 }, () => guests.issue({ scopes: request.scopes })))
    expect(rates).toEqual([100, 100, 100, 100, 100])
    const { mint } = upstream
    upstream.mint = () => json(403, {})
    for (let round = 0; round < 4; round += 1) await refusal(guests.issue(request))
    upstream.mint = mint
    await guests.issue(request)
    expect(rates.at(-1)).toBe(60)
  })
})

describe('a guest that is revoked', () => {
  it('has no valid token of any generation, and gets no new one', async () => {
    const { guests, connection, clock, mints } = await started()
    const tokens = [
      (await guests.issue({ ...request, duration: 'max' })).token,
      (await guests.issue(request)).token,
      (await guests.issue({ ...request, duration: 60 })).token,
    ]
    const other = await guests.issue({ scopes: request.scopes })
    expect(await guests.revoke(ID)).toEqual({
      upstream: 'unsupported',
      local: 'done',
      upstreamValidUntil: clock.wall() + 24 * HOUR,
    })
    for (const token of tokens.slice(0, 3)) {
      expect(await connection.verifier.verify(token.reveal())).toEqual({ valid: false, reason: 'revoked' })
    }
    expect(await connection.verifier.verify(other.token.reveal())).toMatchObject({ valid: true })
    expect((await refusal(guests.token(ID))).code).toBe('guest_revoked')
    expect((await refusal(guests.issue(request))).code).toBe('guest_revoked')
    expect(mints()).toBe(4)
    expect(await guests.show(ID)).toMatchObject({ status: 'revoked', generation: 4 })
    expect(await guests.show(ID)).not.toHaveProperty('expiresAt')
  })

  it('stays revoked when it is revoked again, with one event', async () => {
    const { guests, events, clock } = await started()
    await guests.issue(request)
    await guests.revoke(ID)
    await clock.advance(HOUR)
    expect(await guests.revoke(ID)).toEqual({ upstream: 'unsupported', local: 'done' })
    const revocations = (await events()).filter(({ type }) => type === 'TOKEN_REVOKED')
    expect(revocations).toHaveLength(1)
    expect(revocations[0]).toMatchObject({ outcome: 'success', generation: 2, data: { upstream: 'unsupported' } })
  })

  it('gets no former token when it is revoked during a renewal', async () => {
    const { guests, upstream, clock } = await started()
    await guests.issue(request)
    await clock.advance(HOUR - MINUTE)
    const { mint } = upstream
    const late = held(() => json(200, {}))
    upstream.mint = async (asked, signal) => {
      await late.answering(asked, signal)
      return mint(asked, signal)
    }
    const asked = outcome(guests.token(ID))
    await settle()
    await guests.revoke(ID)
    late.release()
    expect(await asked).toBe('guest_revoked')
  })

  it.each(['issue', 'token'] as const)('gets no token when it is revoked during %s', async (how) => {
    const { guests, upstream, clock, connection, events, row } = await started()
    const first = await guests.issue({ ...request, duration: 'max' })
    await clock.advance(24 * HOUR)
    const { mint } = upstream
    const late = held(() => json(200, {}))
    let minted = ''
    upstream.mint = async (asked, signal) => {
      await late.answering(asked, signal)
      const answer = await mint(asked, signal)
      minted = (JSON.parse(new TextDecoder().decode(answer.bytes)) as { token: string }).token
      return answer
    }
    const heard: TokenReady[] = []
    guests.onTokenReady((ready) => void heard.push(ready))
    const asked = refusal(how === 'issue' ? guests.issue(request) : guests.token(ID))
    await settle()
    await guests.revoke(ID)
    late.release()
    expect((await asked).code).toBe('guest_revoked')
    expect((await row())?.status).toBe('revoked')
    expect((await row())?.tokens).toBeUndefined()
    expect(heard).toEqual([])
    expect(await connection.verifier.verify(first.token.reveal())).toMatchObject({ valid: false })
    if (how === 'token') return
    expect(await connection.verifier.verify(minted)).toEqual({ valid: false, reason: 'revoked' })
    expect(types(await events()).slice(-3)).toEqual(['TOKEN_REQUEST_INITIATED', 'TOKEN_REVOKED', 'TOKEN_FAILED'])
  })
})

describe('the list of guests', () => {
  it('comes in pages without tokens', async () => {
    const { guests } = await started()
    for (let nth = 0; nth < 5; nth += 1) await guests.issue({ scopes: request.scopes })
    const first = await guests.list({ limit: 3 })
    const second = await guests.list({ limit: 3, ...(first.next === undefined ? {} : { after: first.next }) })
    const ids = [...first.guests, ...second.guests].map(({ guestId }) => guestId)
    expect(ids).toEqual([...new Set(ids)].sort())
    expect(ids).toHaveLength(5)
    expect(second.next).toBeUndefined()
    expect([...first.guests].some((view) => Object.values(view).some((value) => value instanceof Secret))).toBe(false)
  })
})
