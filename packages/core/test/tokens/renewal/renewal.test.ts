import { describe, expect, it } from 'vitest'
import { HOUR, MINUTE, SECOND } from '../../../src/domain/time.ts'
import { GuestpassError } from '../../../src/domain/errors.ts'
import { HttpFault } from '../../../src/ports/http.ts'
import type { Store } from '../../../src/ports/store.ts'
import { settle } from '../../../src/testing/index.ts'
import { askedUntilThirdTry, granted, held, json, jwt } from '../../world/fake-upstream.ts'
import { outcome, advanceUntil, refusal, world } from '../../world/world.ts'

/** From the request for the first token on: where its windows begin. */
const ADVISORY = HOUR - 5 * MINUTE
const MANDATORY = HOUR - MINUTE

const failing = () => json(503, {})
const unreachable = (): never => {
  throw new HttpFault('unsent', 'ENOTFOUND')
}

async function started(before = 0) {
  const here = world()
  const { accessTokens, idle } = await here.process()
  const ask = (): Promise<string> => outcome(accessTokens.token())
  expect(await ask()).toBe('test-secret-token-1')
  await here.clock.advance(before)
  return { ...here, accessTokens, idle, ask, requests: () => here.upstream.asked.token.length }
}

describe('an access token', () => {
  it('is asked for once and served from then on', async () => {
    const { ask, clock, requests } = await started()
    for (let minute = 0; minute < 54; minute += 1) {
      await clock.advance(MINUTE)
      expect(await ask()).toBe('test-secret-token-1')
    }
    expect(requests()).toBe(1)
  })

  it('is returned with its expiry, its scopes and its generation', async () => {
    const { accessTokens, clock } = await started()
    expect(await accessTokens.token()).toMatchObject({
      expiresAt: clock.wall() + HOUR,
      scopes: ['webmessaging:guest:create', 'webmessaging:guesttoken:write'],
      generation: 1,
      status: 'active',
    })
  })

  it('is served in the advisory window while one renewal runs behind the callers', async () => {
    const { ask, clock, requests, upstream } = await started(ADVISORY - 1)
    expect(await ask()).toBe('test-secret-token-1')
    await settle()
    expect(requests()).toBe(1)
    const next = held(() => granted(2))
    upstream.token = next.answering
    await clock.advance(1)
    for (let round = 0; round < 3; round += 1) {
      const all = await Promise.all(Array.from({ length: 50 }, ask))
      expect(new Set(all)).toEqual(new Set(['test-secret-token-1']))
      await clock.advance(SECOND)
    }
    expect(requests()).toBe(2)
    next.release()
    await settle()
    expect(await ask()).toBe('test-secret-token-2')
    expect(requests()).toBe(2)
  })

  it('is stored before the connection is idle, also when it was renewed behind its callers', async () => {
    const { ask, upstream, idle, store } = await started(ADVISORY)
    await idle()
    const next = held(() => granted(2))
    upstream.token = next.answering
    expect(await ask()).toBe('test-secret-token-1')
    let isIdle = false
    const ended = idle().then(() => (isIdle = true))
    await settle()
    expect(isIdle).toBe(false)
    next.release()
    await ended
    const { credentials } = await store.list('default', { kind: 'access', limit: 1 })
    expect(credentials[0]?.generation).toBe(2)
  })

  it('is waited for in the mandatory window', async () => {
    const { ask, requests, upstream } = await started(MANDATORY)
    const next = held(() => granted(2))
    upstream.token = next.answering
    let came = false
    const asked = ask().finally(() => (came = true))
    await settle()
    expect([came, requests()]).toEqual([false, 2])
    next.release()
    expect(await asked).toBe('test-secret-token-2')
  })

  it('is new after its end', async () => {
    const { ask, requests } = await started(2 * HOUR)
    expect(await ask()).toBe('test-secret-token-2')
    expect(requests()).toBe(2)
  })

  it('is asked for once by a hundred callers at once, and those who come just after adopt it', async () => {
    const here = world()
    const { accessTokens } = await here.process()
    const all = await Promise.all(Array.from({ length: 100 }, () => outcome(accessTokens.token())))
    expect(new Set(all)).toEqual(new Set(['test-secret-token-1']))
    expect(await outcome(accessTokens.token())).toBe('test-secret-token-1')
    expect(here.upstream.asked.token).toHaveLength(1)
  })

  it('is not waited for by a caller who gave up; the others get it', async () => {
    const here = world()
    const { accessTokens } = await here.process()
    const next = held(() => granted(1))
    here.upstream.token = next.answering
    const impatient = new AbortController()
    const first = outcome(accessTokens.token({ signal: impatient.signal }))
    const second = outcome(accessTokens.token({ signal: new AbortController().signal }))
    await settle()
    impatient.abort(new Error('enough'))
    expect(await first).toBe('not ours: Error: enough')
    next.release()
    expect(await second).toBe('test-secret-token-1')
    expect(here.upstream.asked.token).toHaveLength(1)
  })

  it.each([
    ['first', { patienceMs: SECOND }, {}],
    ['second', {}, { patienceMs: SECOND }],
  ])('is not waited for by a caller whose patience ends, who comes %s; the other gets it', async (nth, one, other) => {
    const here = world()
    const { accessTokens } = await here.process()
    const next = held(() => granted(1))
    here.upstream.token = next.answering
    const asked = [outcome(accessTokens.token(one)), outcome(accessTokens.token(other))]
    await here.clock.advance(2 * SECOND)
    expect(await asked[nth === 'first' ? 0 : 1]).toBe('deadline_exceeded')
    next.release()
    expect(await asked[nth === 'first' ? 1 : 0]).toBe('test-secret-token-1')
    expect(here.upstream.asked.token).toHaveLength(1)
  })

  it.each([
    ['was refused', () => json(503, {}), /after 3 s\. The last failure: token: .*503/],
    ['was not sent', unreachable, /The last failure: token: .*ENOTFOUND/],
  ])('names the failure of the latest try, which %s, to a caller whose patience ends', async (_, failure, message) => {
    const here = world()
    const { accessTokens } = await here.process({ policy: { retry: { retries: 3 } } })
    const { asked, release } = await askedUntilThirdTry(here.upstream, failure, () =>
      refusal(accessTokens.token({ patienceMs: 3 * SECOND })),
    )
    await here.clock.advance(3 * SECOND)
    expect(await asked).toMatchObject({
      code: 'deadline_exceeded',
      message: expect.stringMatching(message),
      cause: { code: 'upstream_unavailable', message: expect.stringContaining('2 tries') },
    })
    release()
    expect(await outcome(accessTokens.token())).toBe('test-secret-token-1')
  })

  it('is not even asked for by a caller who gave up before', async () => {
    const here = world()
    here.upstream.token = failing
    const { accessTokens } = await here.process()
    const asked = accessTokens.token({ signal: AbortSignal.abort(new Error('enough')) })
    expect(await outcome(asked)).toBe('not ours: Error: enough')
    await settle()
    expect(here.upstream.asked.token).toHaveLength(0)
  })

  it('is waited for through the back-off of an earlier failure by a caller who says how long to wait', async () => {
    const here = world()
    const { accessTokens } = await here.process()
    here.upstream.token = failing
    expect(await outcome(accessTokens.token())).toBe('upstream_unavailable')
    here.upstream.token = () => granted(2)
    const other = (await here.process()).accessTokens
    expect(await outcome(other.token())).toBe('upstream_unavailable')
    expect(await outcome(other.token({ patienceMs: 500 }))).toBe('upstream_unavailable')
    expect(await advanceUntil(here.clock, outcome(other.token({ patienceMs: 5 * SECOND })))).toBe('test-secret-token-2')
  })

  it.each([
    [3_600, HOUR],
    ['120', 2 * MINUTE],
    [undefined, 5 * MINUTE],
    [0, 5 * MINUTE],
    [-60, 5 * MINUTE],
    ['soon', 5 * MINUTE],
    [1.5, 1_500],
    [1e12, 48 * HOUR],
  ])('with expires_in %j lives %i ms', async (expiresIn, life) => {
    const here = world()
    here.upstream.token = () => granted(here.upstream.asked.token.length, { expires_in: expiresIn })
    const { accessTokens } = await here.process()
    const { expiresAt } = await accessTokens.token()
    expect(expiresAt).toBe(here.clock.wall() + life)
    await here.clock.advance(life / 2)
    expect(await outcome(accessTokens.token())).toBe('test-secret-token-1')
    await here.clock.advance(life / 2)
    expect(await outcome(accessTokens.token())).toBe('test-secret-token-2')
  })

  it.each([
    ['a list', { scope: ['user:read', 'a:b'] }],
    ['text', { scope: 'user:read a:b' }],
  ])('has the scopes that its own verified claim names as %s, whatever the answer says', async (_, claim) => {
    const here = world()
    const { accessTokens } = await here.process({ scopes: ['user:read', 'more'] })
    const access_token = jwt({ exp: here.clock.wall() / SECOND + 3_600, ...claim })
    here.upstream.token = () => granted(1, { access_token, scope: 'user:read more' })
    expect((await accessTokens.token()).scopes).toEqual(['user:read', 'a:b'])
  })

  it('has the scopes of the answer where its claims name none', async () => {
    const here = world()
    const { accessTokens } = await here.process()
    const access_token = jwt({ exp: here.clock.wall() / SECOND + 3_600 })
    here.upstream.token = () => granted(1, { access_token, scope: 'user:read more' })
    expect((await accessTokens.token()).scopes).toEqual(['user:read', 'more'])
  })

  it('lives from the moment the request was sent, not from the answer', async () => {
    const here = world()
    const slow = held(() => granted(1))
    here.upstream.token = slow.answering
    const { accessTokens } = await here.process()
    const sentAt = here.clock.wall()
    const asked = accessTokens.token()
    await here.clock.advance(8 * SECOND)
    slow.release()
    expect((await asked).expiresAt).toBe(sentAt + HOUR)
  })

  it('that has ended on arrival is refused, and asked for again only after a while', async () => {
    const here = world()
    const { accessTokens } = await here.process()
    const late = held(() => granted(1, { expires_in: 1 }))
    here.upstream.token = late.answering
    const asked = refusal(accessTokens.token())
    await here.clock.advance(SECOND)
    late.release()
    expect(await asked).toMatchObject({ code: 'token_refused', reason: 'expired' })
    expect(await outcome(accessTokens.token())).toBe('token_refused')
    expect(here.upstream.asked.token).toHaveLength(1)
  })
})

describe('when a renewal fails', () => {
  it('the token is served to its very end and not a millisecond longer', async () => {
    const { ask, clock, upstream } = await started(MANDATORY)
    upstream.token = failing
    expect(await ask()).toBe('test-secret-token-1')
    await clock.advance(MINUTE - 1)
    expect(await ask()).toBe('test-secret-token-1')
    await clock.advance(1)
    expect(await ask()).toBe('upstream_unavailable')
  })

  it('during the last wait, the token is served if it has not ended meanwhile', async () => {
    const { ask, clock, upstream } = await started(HOUR - 2 * SECOND)
    const first = held(failing)
    upstream.token = first.answering
    const early = ask()
    await clock.advance(2 * SECOND - 1)
    first.release()
    expect(await early).toBe('test-secret-token-1')
  })

  it('at the end of the wait, the token is not served if it has ended meanwhile', async () => {
    const { ask, clock, upstream } = await started(HOUR - 2 * SECOND)
    const first = held(failing)
    upstream.token = first.answering
    const late = ask()
    await clock.advance(2 * SECOND)
    first.release()
    expect(await late).toBe('upstream_unavailable')
  })

  it.each([
    ['429', () => json(429, {}), 'upstream_busy'],
    ['500', () => json(500, {}), 'upstream_unavailable'],
    ['502', () => json(502, {}), 'upstream_unavailable'],
    ['a reset', () => Promise.reject(new HttpFault('lost', 'ECONNRESET')), 'upstream_unavailable'],
    ['a refused connection', () => Promise.reject(new HttpFault('unsent', 'ECONNREFUSED')), 'upstream_unavailable'],
    ['a page', () => ({ ...json(200, {}), headers: { 'content-type': 'text/html' } }), 'upstream_garbled'],
    ['a wrong client', () => json(401, { error: 'invalid_client' }), 'client_rejected'],
    ['a wrong scope', () => json(400, { error: 'invalid_scope' }), 'scope_missing'],
    ['an ended grant', () => json(400, { error: 'invalid_grant' }), 'needs_reauth'],
  ])('by %s, the token that is still valid is served, and renewal recovers', async (_, answer, code) => {
    const { ask, clock, upstream, requests } = await started(MANDATORY)
    upstream.token = answer
    expect(await ask()).toBe('test-secret-token-1')
    await clock.advance(MINUTE)
    expect(await ask()).toBe(code)
    upstream.token = () => granted(2)
    await clock.advance(5 * MINUTE)
    const before = requests()
    expect(await ask()).toBe('test-secret-token-2')
    expect(requests()).toBe(before + 1)
  })

  it('retries after ever longer pauses, however many callers ask', async () => {
    const { ask, clock, upstream, requests } = await started(HOUR)
    upstream.token = failing
    const askedAt: number[] = []
    for (let second = 0; second < 127; second += 1) {
      const before = requests()
      await Promise.all(Array.from({ length: 5 }, ask))
      if (requests() > before) askedAt.push(second)
      await clock.advance(SECOND)
    }
    expect(askedAt).toEqual([0, 1, 3, 7, 15, 31, 63])
  })

  it('it is at most five minutes until the next try', async () => {
    const { ask, clock, upstream, requests } = await started(HOUR)
    upstream.token = failing
    for (let round = 0; round < 12; round += 1) {
      await ask()
      await clock.advance(5 * MINUTE)
    }
    expect(requests()).toBe(13)
  })

  it('in the advisory window, it is not repeated before its back-off ends either', async () => {
    const { ask, clock, upstream, requests } = await started(ADVISORY)
    upstream.token = failing
    for (let tenth = 0; tenth < 10; tenth += 1) {
      expect(await ask()).toBe('test-secret-token-1')
      await clock.advance(SECOND / 10)
    }
    expect(requests()).toBe(2)
    await ask()
    await settle()
    expect(requests()).toBe(3)
  })

  it('upstream is left alone for as long as it said', async () => {
    const { ask, clock, upstream, requests } = await started(HOUR)
    upstream.token = () => json(503, {}, { 'retry-after': '600' })
    await ask()
    await clock.advance(599 * SECOND)
    expect(await ask()).toBe('upstream_unavailable')
    expect(requests()).toBe(2)
    await clock.advance(SECOND)
    await ask()
    expect(requests()).toBe(3)
  })

  it('the back-off begins anew after a success', async () => {
    const { ask, clock, upstream, store, accessTokens } = await started(HOUR)
    upstream.token = failing
    await ask()
    await clock.advance(SECOND)
    await ask()
    upstream.token = () => granted(3)
    await clock.advance(2 * SECOND)
    expect(await ask()).toBe('test-secret-token-3')
    expect((await accessTokens.token()).generation).toBe(2)
    const { credentials } = await store.list('default', { kind: 'access', limit: 9 })
    expect(credentials).toHaveLength(1)
    expect(credentials[0]?.backOff).toBeUndefined()
  })

  it('for a reason that only a changed configuration can end, it is not repeated at once, and not remembered by the store', async () => {
    const { ask, clock, upstream, requests, store, process } = { ...(await started(HOUR)), process: world().process }
    upstream.token = () => json(400, { error: 'invalid_scope' })
    for (let round = 0; round < 5; round += 1) expect(await ask()).toBe('scope_missing')
    expect(requests()).toBe(2)
    await clock.advance(5 * SECOND - 1)
    await ask()
    expect(requests()).toBe(2)
    await clock.advance(1)
    await ask()
    expect(requests()).toBe(3)
    const other = await process({}, { store, clock, http: upstream.http })
    upstream.token = () => granted(4)
    expect(await outcome(other.accessTokens.token())).toBe('test-secret-token-4')
  })

  it('records the failure in an event with its code, and a success in another', async () => {
    const { ask, upstream, events } = await started(HOUR)
    upstream.token = failing
    await ask()
    const recorded = (await events()).map(({ type, outcome: result, generation, statusCode, error }) => [
      type,
      result,
      generation,
      statusCode,
      error?.code,
    ])
    expect(recorded).toEqual([
      ['ACCESS_TOKEN_RENEWED', 'success', 1, 200, undefined],
      ['ACCESS_TOKEN_FAILED', 'failure', 1, 503, 'upstream_unavailable'],
    ])
  })
})

describe('when the store fails', () => {
  const broken = (store: Store, ...names: readonly (keyof Store)[]): Store => ({
    ...store,
    ...Object.fromEntries(
      names.map((name) => [name, () => Promise.reject(new GuestpassError('store_busy', 'The store is busy.'))]),
    ),
  })

  /** A process with a token that is due, and from then on a store that fails. */
  async function failingStore(...names: readonly (keyof Store)[]) {
    const here = world()
    let store = here.store
    const proxy = new Proxy(here.store, { get: (_, name: keyof Store) => store[name] })
    const { accessTokens } = await here.process({}, { store: proxy })
    await accessTokens.token()
    await here.clock.advance(MANDATORY)
    store = broken(here.store, ...names)
    return { ...here, ask: () => outcome(accessTokens.token()), mend: () => (store = here.store) }
  }

  it('while it takes the new token, the token that is still valid is served', async () => {
    const { ask, clock, mend } = await failingStore('commit')
    expect(await ask()).toBe('test-secret-token-1')
    await clock.advance(MINUTE)
    expect(await ask()).toBe('store_busy')
    mend()
    await clock.advance(5 * SECOND)
    expect(await ask()).toMatch(/^test-secret-token-[2-9]$/)
  })

  it.each(['find', 'lease'] as const)(
    'while it cannot be asked (%s), a token in hand is served to its end',
    async (name) => {
      const { ask, clock, mend } = await failingStore(name)
      expect(await ask()).toBe('test-secret-token-1')
      await clock.advance(MINUTE - 1)
      expect(await ask()).toBe('test-secret-token-1')
      await clock.advance(1)
      expect(await ask()).toBe('store_busy')
      mend()
      expect(await ask()).toBe('test-secret-token-2')
    },
  )

  it('while it takes down a failed renewal, the token is served all the same and upstream is left alone', async () => {
    const { ask, clock, upstream } = await failingStore('commit')
    upstream.token = failing
    for (let round = 0; round < 5; round += 1) expect(await ask()).toBe('test-secret-token-1')
    expect(upstream.asked.token).toHaveLength(2)
    await clock.advance(MINUTE)
    expect(await ask()).toBe('upstream_unavailable')
  })
})
