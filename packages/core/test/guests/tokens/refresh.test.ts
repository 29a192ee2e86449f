import { describe, expect, it } from 'vitest'
import { DAY, HOUR, MINUTE, SECOND } from '../../../src/domain/time.ts'
import { GuestpassError } from '../../../src/domain/errors.ts'
import type { Change, Store } from '../../../src/ports/store.ts'
import { report } from '../../../src/report/report.ts'
import { settle } from '../../../src/testing/index.ts'
import { strangerKey, jwt, json } from '../../world/fake-upstream.ts'
import { dropped, instead, slow } from '../../world/scripted-answers.ts'
import { expectOneEffect, ID, issued, request, refreshWorld } from '../../world/refresh-world.ts'
import { gated } from '../../world/refreshing-upstream.ts'
import { outcome, advanceUntil, refusal } from '../../world/world.ts'

const ADVISORY = 57 * MINUTE
const MANDATORY = HOUR - MINUTE

describe('a refresh', () => {
  it('gives the next generation, verified and stored, with events', async () => {
    const { guests, upstream, row, recorded, first, connection } = await issued()
    const next = await guests.refresh(ID)
    expect(next).toMatchObject({ guestId: ID, api: 'guest-tokens', generation: 2, verified: true })
    expect(next.token.reveal()).not.toBe(first)
    expectOneEffect(upstream, 1)
    expect(upstream.refreshes[0]).toMatchObject({ id: ID, body: '{}' })
    const stored = await row()
    expect(stored?.tokens?.access.reveal()).toBe(next.token.reveal())
    expect(stored?.intent).toBeUndefined()
    expect(await connection.verifier.verify(next.token.reveal(), { subject: ID })).toMatchObject({ valid: true })
    expect(await recorded()).toEqual([
      'TOKEN_REQUEST_INITIATED',
      'TOKEN_GENERATED_SUCCESS',
      'REFRESH_INITIATED',
      'REFRESH_COMPLETED',
    ])
  })

  it('is recorded with its Idempotency-Key in events of one correlation id', async () => {
    const { guests, upstream, events } = await issued()
    await guests.refresh(ID)
    const [begun, done] = (await events()).filter(({ type }) => type.startsWith('REFRESH_'))
    expect([begun?.idempotencyKey, done?.idempotencyKey]).toEqual([
      upstream.refreshes[0]?.key,
      upstream.refreshes[0]?.key,
    ])
    expect([begun?.generation, done?.generation, done?.statusCode]).toEqual([1, 2, 200])
    expect(begun?.correlationId).toBe(done?.correlationId)
  })

  it('has another key for every generation', async () => {
    const { guests, upstream } = await issued()
    for (const generation of [2, 3, 4]) expect((await guests.refresh(ID)).generation).toBe(generation)
    expect(new Set(upstream.refreshes.map(({ key }) => key)).size).toBe(3)
    expect(upstream.effects(ID)).toBe(3)
  })

  it('runs for a caller whose token is due, and in the background before that', async () => {
    const { guests, upstream, clock, first } = await issued()
    await clock.advance(ADVISORY)
    expect(await outcome(guests.token(ID))).toBe(first)
    await settle()
    expect((await guests.token(ID)).generation).toBe(2)
    await clock.advance(MANDATORY)
    expect((await guests.token(ID)).generation).toBe(3)
    expect(upstream.effects(ID)).toBe(2)
  })

  it('is sent once for concurrent calls', async () => {
    const { guests, upstream } = await issued()
    const all = await Promise.all(Array.from({ length: 50 }, () => guests.refresh(ID)))
    expect(new Set(all.map(({ token }) => token.reveal())).size).toBe(1)
    expectOneEffect(upstream, 1)
  })

  it('is sent once for two processes, and both get its token', async () => {
    const here = await issued()
    const other = await here.process()
    const both = [here.guests.refresh(ID), other.guests.refresh(ID)].map(outcome)
    const [one, two] = await advanceUntil(here.clock, Promise.all(both))
    expect(one).toBe(two)
    expectOneEffect(here.upstream, 1)
  })

  it('is verified, and the minted token is not returned again', async () => {
    const { guests, first } = await issued()
    await guests.refresh(ID)
    expect(await outcome(guests.token(ID))).not.toBe(first)
  })

  it('is sent to the id that an answer named, until a new token is minted', async () => {
    const { guests, upstream } = await issued()
    const other = 'a5e0e3b1-94ce-4a0d-8f3c-1d2b7a90c001'
    upstream.names = () => other
    await guests.refresh(ID)
    // Upstream knows the guest by both ids.
    upstream.mint(other, { sub: ID })
    upstream.says = { sub: ID }
    expect((await guests.refresh(ID)).generation).toBe(3)
    await guests.issue(request)
    await guests.refresh(ID)
    expect(upstream.refreshes.map(({ id }) => id)).toEqual([ID, other, ID])
  })

  it('is sent to the same id when an answer names none', async () => {
    const { guests, upstream } = await issued()
    upstream.names = () => undefined
    await guests.refresh(ID)
    expect((await guests.refresh(ID)).generation).toBe(3)
    expect(upstream.refreshes.map(({ id }) => id)).toEqual([ID, ID])
  })

  it('rejects an unknown guest without calling the upstream', async () => {
    const here = refreshWorld()
    const { guests } = await here.process()
    expect((await refusal(guests.refresh(ID))).code).toBe('guest_unknown')
    expect((await refusal(guests.refresh('unknown'))).code).toBe('guest_unknown')
    expect((await refusal(guests.refresh(''))).code).toBe('invalid_input')
    expect([here.upstream.tokens(), here.upstream.refreshes.length, here.upstream.mints()]).toEqual([0, 0, 0])
  })

  it('ends for the caller who cancels, and continues for the others', async () => {
    const { guests, upstream } = await issued()
    const gate = gated()
    upstream.meets(gate.answer)
    const stop = new AbortController()
    const leaving = guests.refresh(ID, { signal: stop.signal })
    const staying = guests.refresh(ID)
    await settle()
    stop.abort(new Error('enough'))
    await expect(leaving).rejects.toThrow('enough')
    gate.release()
    expect((await staying).generation).toBe(2)
    expectOneEffect(upstream, 1)
  })

  it.each([-24, 24])('uses the clock of an issuer that is %d h ahead', async (hours) => {
    const here = refreshWorld()
    here.upstream.skewMs = hours * HOUR
    const { guests } = await here.process()
    await guests.issue(request)
    await here.clock.advance(30 * MINUTE)
    const next = await guests.refresh(ID)
    // Never past the token's own `exp`, which is earlier by a clock that is behind.
    expect(next.expiresAt).toBe(here.clock.wall() + HOUR + Math.min(hours, 0) * HOUR)
    expect((await guests.token(ID)).generation).toBe(2)
    await here.clock.advance(MANDATORY)
    expect((await guests.token(ID)).generation).toBe(3)
    expect(here.upstream.mints()).toBe(1)
  })
})

describe('the Idempotency-Key', () => {
  it('is stored before the request is sent', async () => {
    const { guests, upstream, row } = await issued()
    let stored: string | undefined
    upstream.meets(async (work) => {
      stored = (await row())?.intent?.id
      return work()
    })
    await guests.refresh(ID)
    expect(stored).toBe(upstream.refreshes[0]?.key)
  })

  it('is not sent when the store fails', async () => {
    const here = await issued()
    const failing: Store = {
      ...here.store,
      async commit(change: Change) {
        if (change.writes?.some(({ credential }) => credential.intent))
          throw new GuestpassError('store_busy', 'The store is busy.')
        return here.store.commit(change)
      },
    }
    const { guests } = await here.process({}, { store: failing })
    expect(await outcome(guests.refresh(ID))).toBe('store_busy')
    expect(here.upstream.refreshes).toHaveLength(0)
    await here.clock.advance(MANDATORY)
    expect(await outcome(guests.token(ID))).toBe(here.first)
    expect(here.upstream.refreshes).toHaveLength(0)
  })

  it('is the same when the store wrote it although it reported a failure', async () => {
    const here = await issued()
    let failures = 1
    const lying: Store = {
      ...here.store,
      async commit(change: Change) {
        const done = await here.store.commit(change)
        const noted = change.writes?.[0]?.credential.intent
        if (noted && (failures -= 1) >= 0) throw new GuestpassError('store_busy', 'The store is busy.')
        return done
      },
    }
    const { guests } = await here.process({}, { store: lying })
    expect(await outcome(guests.refresh(ID))).toBe('store_busy')
    const key = (await here.row())?.intent?.id
    expect((await guests.refresh(ID)).generation).toBe(2)
    expect(here.upstream.refreshes.map(({ key: sent }) => sent)).toEqual([key])
  })

  it('is used again after its process died, and the effect is accepted', async () => {
    const here = await issued()
    here.upstream.meets(dropped('after'))
    const never = { ...here.clock, sleep: () => new Promise<void>(() => {}) }
    const dead = await here.process({ policy: {} }, { clock: never })
    // It waits for its repeat for ever, and keeps a lease that is not prolonged.
    outcome(dead.guests.refresh(ID)).catch(() => {})
    await settle()
    expect(here.upstream.effects(ID)).toBe(1)
    const next = here.guests.refresh(ID)
    await here.clock.advance(MINUTE)
    expect((await next).generation).toBe(2)
    expectOneEffect(here.upstream, 2)
    const { credential } = await here.store.find('default', ID)
    expect(credential?.intent).toBeUndefined()
  })

  it('is not sent by a process that continues after days', async () => {
    const here = await issued()
    let goOn = (): void => {}
    const still = new Promise<void>((resolve) => (goOn = resolve))
    let stopped = false
    const halting: Store = {
      ...here.store,
      async commit(change: Change) {
        const done = await here.store.commit(change)
        if (change.writes?.[0]?.credential.intent && !stopped) {
          stopped = true
          await still
        }
        return done
      },
      // A process that is paused prolongs no lease.
      lease: async (...ask) => {
        const answer = await here.store.lease(...ask)
        if (stopped) await still
        return answer
      },
    }
    const halted = await here.process({}, { store: halting })
    const asked = outcome(halted.guests.refresh(ID))
    await settle()
    await here.clock.advance(MINUTE)
    const next = outcome(here.guests.refresh(ID))
    await here.clock.advance(MINUTE)
    const token = await next
    expectOneEffect(here.upstream, 1)
    await here.clock.advance(DAY)
    goOn()
    await here.clock.advance(MINUTE)
    await asked
    expect(here.upstream.refreshes).toHaveLength(1)
    expect(token).not.toBe(here.first)
  })

  it('takes effect once when its process was paused for less', async () => {
    const here = await issued()
    const gate = gated()
    here.upstream.meets(gate.answer)
    const halted = await here.process({}, { clock: { ...here.clock, sleep: () => new Promise<void>(() => {}) } })
    const asked = outcome(halted.guests.refresh(ID))
    await settle()
    const next = outcome(here.guests.refresh(ID))
    await here.clock.advance(MINUTE)
    const token = await next
    gate.release()
    await here.clock.advance(SECOND)
    expect(await asked).toBe(token)
    expectOneEffect(here.upstream, 2)
    expect((await here.row())?.generation).toBe(2)
  })

  it('is never sent again when it is 24 hours old: a new token is minted', async () => {
    const here = refreshWorld()
    const { guests } = await here.process()
    await guests.issue({ ...request, duration: 'max' })
    here.upstream.meets(dropped('after'))
    await refusal(guests.refresh(ID))
    await here.clock.advance(DAY)
    expect((await guests.refresh(ID)).generation).toBe(2)
    expect([here.upstream.refreshes.length, here.upstream.mints(), here.upstream.effects(ID)]).toEqual([1, 2, 1])
  })

  it('is not followed by another key after 24 hours, also when the mint fails', async () => {
    const here = refreshWorld()
    const { guests } = await here.process()
    await guests.issue({ ...request, duration: 'max' })
    here.upstream.meets(dropped('after'))
    await refusal(guests.refresh(ID))
    await here.clock.advance(DAY)
    here.upstream.minting = () => json(503, {}, { 'retry-after': '10' })
    expect(await outcome(guests.refresh(ID))).toBe('upstream_unavailable')
    here.upstream.minting = undefined
    await here.clock.advance(MINUTE)
    expect((await guests.refresh(ID)).generation).toBe(2)
    expect([here.upstream.refreshes.length, here.upstream.effects(ID)]).toEqual([1, 1])
  })

  it('is not sent again by a repeat that would come after 24 hours', async () => {
    const here = refreshWorld({ repeats: true })
    const { guests } = await here.process()
    await guests.issue({ ...request, duration: 'max' })
    here.upstream.meets(instead(500), instead(500), instead(500), dropped('after'))
    const failing = outcome(guests.refresh(ID))
    await here.clock.advance(MINUTE)
    expect(await failing).toBe('upstream_unavailable')
    expect(here.upstream.effects(ID)).toBe(1)
    const [begun = 0] = here.upstream.refreshes.map(({ at }) => at)
    await here.clock.advance(begun + DAY - 5 * SECOND - here.clock.wall())
    here.upstream.meets(instead(503, {}, { 'retry-after': '10' }))
    const next = outcome(guests.refresh(ID))
    await here.clock.advance(MINUTE)
    expect(await next).toMatch(/^ey/)
    expect([here.upstream.effects(ID), here.upstream.mints()]).toEqual([1, 2])
  })
})

describe('a guest token that the upstream does not refresh', () => {
  it.each([
    ['400, unknown', 400],
    ['404', 404],
    ['422, the key is spent', 422],
  ])('(%s) is minted anew, and the refresh is recorded as failed', async (_, status) => {
    const { guests, upstream, recorded } = await issued()
    upstream.meets(instead(status, { code: 'some.code', message: 'No such token.' }))
    expect((await guests.refresh(ID)).generation).toBe(2)
    expect([upstream.refreshes.length, upstream.mints(), upstream.effects(ID)]).toEqual([1, 2, 0])
    expect((await recorded()).slice(2)).toEqual([
      'REFRESH_INITIATED',
      'REFRESH_FAILED',
      'TOKEN_REQUEST_INITIATED',
      'TOKEN_GENERATED_SUCCESS',
    ])
  })

  it('is a clear error when the mint fails too, and both are recorded', async () => {
    const { guests, upstream, recorded, events, store } = await issued()
    upstream.meets(instead(400))
    upstream.minting = () => json(403, { code: 'app.not.authorized.for.scope' })
    const error = await refusal(guests.refresh(ID))
    expect(error).toMatchObject({ code: 'access_denied', upstream: { status: 403 } })
    expect(error.message).toContain('webmessaging:guest:create')
    expect((await recorded()).slice(2)).toEqual([
      'REFRESH_INITIATED',
      'REFRESH_FAILED',
      'TOKEN_REQUEST_INITIATED',
      'TOKEN_FAILED',
    ])
    expect((await events()).find(({ type }) => type === 'REFRESH_FAILED')).toMatchObject({
      error: { code: 'refresh_impossible' },
      idempotencyKey: upstream.refreshes[0]?.key,
    })
    expect(await report(store, 'default')).toMatchObject({ failedRefreshes: 1, guestTokens: { failed: 1 } })
  })

  it('is minted anew without a refresh if it expired more than 300 s ago', async () => {
    const { guests, upstream, clock } = await issued()
    await clock.advance(HOUR + 5 * MINUTE)
    expect((await guests.token(ID)).generation).toBe(2)
    expect([upstream.refreshes.length, upstream.mints()]).toEqual([0, 2])
  })

  it('is refreshed if it expired less than 300 s ago', async () => {
    const { guests, upstream, clock } = await issued()
    await clock.advance(HOUR + 5 * MINUTE - SECOND)
    expect((await guests.token(ID)).generation).toBe(2)
    expectOneEffect(upstream, 1)
  })

  it('is minted anew if the answer stored for the key has expired', async () => {
    const { guests, upstream, clock, recorded } = await issued()
    upstream.meets(dropped('after'))
    await refusal(guests.refresh(ID))
    await clock.advance(3 * HOUR)
    const next = await guests.token(ID)
    expect(next.generation).toBe(2)
    expect(next.expiresAt).toBe(clock.wall() + HOUR)
    expectOneEffect(upstream, 2)
    expect(upstream.mints()).toBe(2)
    expect((await recorded()).slice(-3)).toEqual([
      'REFRESH_FAILED',
      'TOKEN_REQUEST_INITIATED',
      'TOKEN_GENERATED_SUCCESS',
    ])
  })
})

describe('a refresh that is still running', () => {
  it('is repeated under the same key until its answer comes', async () => {
    const { guests, upstream, clock } = await issued({ repeats: true })
    const busy = instead(409, { code: 'request.conflict' }, { 'retry-after': '2' })
    upstream.meets(...Array.from({ length: 8 }, () => busy))
    const asked = guests.refresh(ID)
    await clock.advance(25 * SECOND)
    expect((await asked).generation).toBe(2)
    expectOneEffect(upstream, 9)
  })

  it('is repeated also when all retries of failures are used up', async () => {
    const { guests, upstream, clock } = await issued({ repeats: true })
    upstream.meets(instead(500), instead(502), instead(504), instead(409), instead(409))
    const asked = guests.refresh(ID)
    await clock.advance(25 * SECOND)
    expect((await asked).generation).toBe(2)
    expectOneEffect(upstream, 6)
  })

  it('uses up no retry of failures', async () => {
    const { guests, upstream, clock } = await issued({ repeats: true })
    const busy = instead(409, {}, { 'retry-after': '1' })
    upstream.meets(busy, busy, busy, busy, instead(500))
    const asked = guests.refresh(ID)
    await clock.advance(25 * SECOND)
    expect((await asked).generation).toBe(2)
    expectOneEffect(upstream, 6)
  })

  it('is repeated later under the same key if it outlasts the caller', async () => {
    const { guests, upstream, clock, row } = await issued({ repeats: true })
    upstream.meets(...Array.from({ length: 40 }, () => instead(409, {}, { 'retry-after': '1' })))
    const asked = refusal(guests.refresh(ID))
    await clock.advance(31 * SECOND)
    expect(await asked).toMatchObject({ code: 'upstream_busy', upstream: { status: 409 } })
    expect((await row())?.intent?.id).toBe(upstream.refreshes[0]?.key)
    await clock.advance(MINUTE)
    const next = guests.refresh(ID)
    await clock.advance(31 * SECOND)
    expect((await next).generation).toBe(2)
    expect(new Set(upstream.refreshes.map(({ key }) => key)).size).toBe(1)
    expect(upstream.effects(ID)).toBe(1)
  })

  it('is repeated if its answer came after the timeout of one try', async () => {
    const { guests, upstream, clock } = await issued({ repeats: true })
    upstream.meets(slow(clock, 15 * SECOND), instead(409), instead(409))
    const asked = guests.refresh(ID)
    await clock.advance(20 * SECOND)
    expect((await asked).generation).toBe(2)
    expectOneEffect(upstream, 4)
  })
})

describe('a refreshed token that does not verify', () => {
  const elsewhere = '00000000-0000-0000-0000-000000000000'
  it.each<[string, Record<string, unknown>]>([
    ['subject', { sub: elsewhere }],
    ['scope', { scope: request.scopes[0] }],
    ['expired', { exp: 1_000 }],
    ['missing_exp', { exp: undefined }],
    ['not_yet_valid', { nbf: 4_000_000_000 }],
    ['issuer', { iss: 'stranger' }],
    ['audience', { aud: 'stranger' }],
    ['malformed', { exp: 'tomorrow' }],
  ])('is never returned or stored, for the reason %s: %j', async (reason, says) => {
    const here = refreshWorld()
    const { guests } = await here.process({ issuer: 'upstream', audience: 'us' })
    const good = { iss: 'upstream', aud: 'us' }
    here.upstream.minting = () => json(200, { token: here.upstream.mint(ID, good) })
    const first = (await guests.issue(request)).token.reveal()
    here.upstream.says = { ...good, ...says }
    const heard: string[] = []
    guests.onTokenReady((_, token) => void heard.push(token.reveal()))
    expect(await refusal(guests.refresh(ID))).toMatchObject({ code: 'token_refused', reason })
    expect(heard).toEqual([])
    expect((await here.row())?.tokens?.access.reveal()).toBe(first)
    expect(await outcome(guests.token(ID))).toBe(first)
    expect((await here.events()).at(-1)).toMatchObject({
      type: 'REFRESH_FAILED',
      error: { code: 'token_refused', reason },
    })
  })

  it('is not returned or stored if its signature is wrong', async () => {
    const { guests, upstream, row, first } = await issued()
    upstream.meets(async (work) => {
      work()
      return json(200, { guestTokenId: ID, guestToken: jwt({ sub: ID, scope: request.scopes, exp: 4e9 }, strangerKey) })
    })
    expect(await refusal(guests.refresh(ID))).toMatchObject({ code: 'token_refused', reason: 'signature' })
    expect((await row())?.tokens?.access.reveal()).toBe(first)
  })

  it('is requested under the same key while the former token is valid, then minted anew', async () => {
    const { guests, upstream, clock, first } = await issued()
    upstream.says = { sub: elsewhere }
    await clock.advance(MANDATORY)
    expect(await outcome(guests.token(ID))).toBe(first)
    await clock.advance(30 * SECOND)
    expect(await outcome(guests.token(ID))).toBe(first)
    expectOneEffect(upstream, 2)
    expect(upstream.mints()).toBe(1)
    await clock.advance(MINUTE)
    expect((await guests.token(ID)).generation).toBe(2)
    expectOneEffect(upstream, 3)
    expect(upstream.mints()).toBe(2)
  })
})
