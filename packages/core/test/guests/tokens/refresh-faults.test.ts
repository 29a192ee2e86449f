import { describe, expect, it } from 'vitest'
import { HOUR, MINUTE, SECOND } from '../../../src/domain/time.ts'
import { errorCatalogue } from '../../../src/domain/errors.ts'
import { why } from '../../../src/why/why.ts'
import { json } from '../../world/fake-upstream.ts'
import { dropped, instead, type ScriptedAnswer, slow } from '../../world/scripted-answers.ts'
import { expectOneEffect, ID, issued } from '../../world/refresh-world.ts'
import { garbled } from '../../world/refreshing-upstream.ts'
import { outcome, refusal } from '../../world/world.ts'

const MANDATORY = HOUR - MINUTE
const DEADLINE = 31 * SECOND

/** What a refresh may meet, what comes of it when it goes on, and whether it took effect the first time. */
type Row = readonly [what: string, answer: ScriptedAnswer, code: keyof typeof errorCatalogue]

const bad = (how: Parameters<typeof garbled>[0]): Row => [
  `${how} in the place of an answer`,
  garbled(how),
  'upstream_garbled',
]

const faults: readonly Row[] = [
  ['a connection reset before it took effect', dropped('before'), 'upstream_unavailable'],
  ['a connection reset after it took effect', dropped('after'), 'upstream_unavailable'],
  bad('html'),
  bad('truncated'),
  bad('empty'),
  bad('type'),
  ['an answer without a token', async (work) => (work(), json(200, { guestTokenId: ID })), 'upstream_garbled'],
  ['an answer that is null', async (work) => (work(), json(200, null)), 'upstream_garbled'],
  ['a redirect', instead(302, {}, { location: 'https://elsewhere.example.com/' }), 'upstream_garbled'],
  ...[408, 500, 502, 503, 504].map((status): Row => [`a ${status}`, instead(status), 'upstream_unavailable']),
  ['a 429', instead(429), 'upstream_busy'],
  ['a 403', instead(403, { code: 'not.authorized' }), 'access_denied'],
  ['a 401, twice', instead(401), 'access_rejected'],
]

describe('a refresh that fails', () => {
  it.each(faults)(
    '%s: fails by its code, keeps its key, and the next one takes effect once',
    async (_, answer, code) => {
      const { guests, upstream, clock, row, first } = await issued({ repeats: true })
      const tries = code === 'access_rejected' ? 2 : code === 'upstream_unavailable' || code === 'upstream_busy' ? 4 : 1
      upstream.meets(...Array.from({ length: tries }, () => answer))
      const asked = refusal(guests.refresh(ID))
      await clock.advance(DEADLINE)
      const error = await asked
      expect([error.code, error.retryable]).toEqual([code, errorCatalogue[code].retryable])
      const stored = await row()
      expect([stored?.generation, stored?.tokens?.access.reveal()]).toEqual([1, first])
      expect(stored?.intent?.id).toBe(upstream.refreshes[0]?.key)
      expect(await outcome(guests.token(ID))).toBe(first)
      await clock.advance(MINUTE)
      const next = guests.refresh(ID)
      await clock.advance(DEADLINE)
      expect((await next).generation).toBe(2)
      expectOneEffect(upstream, tries + 1)
      expect(upstream.mints()).toBe(1)
    },
  )

  it('serves the token until it expires, and no longer', async () => {
    const { guests, upstream, clock, first } = await issued()
    await clock.advance(MANDATORY)
    upstream.meets(...Array.from({ length: 100 }, () => instead(503)))
    for (let second = 0; second < 60; second += 1) {
      expect(await outcome(guests.token(ID))).toBe(first)
      await clock.advance(SECOND)
    }
    expect(await outcome(guests.token(ID))).toBe('upstream_unavailable')
    expect(new Set(upstream.refreshes.map(({ key }) => key)).size).toBe(1)
  })
})

describe('a refresh that fails transiently', () => {
  it.each([
    ...faults.filter(([, , code]) => code === 'upstream_unavailable' || code === 'upstream_busy'),
    ['a 401', instead(401), 'access_rejected'],
  ] as const)('%s: is repeated under its key, and takes effect once', async (_, answer) => {
    const { guests, upstream, clock } = await issued({ repeats: true })
    upstream.meets(answer)
    const asked = guests.refresh(ID)
    await clock.advance(DEADLINE)
    expect((await asked).generation).toBe(2)
    expectOneEffect(upstream, 2)
    expect(upstream.mints()).toBe(1)
  })

  it('an answer after the timeout: is repeated under its key, and takes effect once', async () => {
    const { guests, upstream, clock } = await issued({ repeats: true })
    upstream.meets(slow(clock, 20 * SECOND))
    const asked = guests.refresh(ID)
    await clock.advance(DEADLINE)
    expect((await asked).generation).toBe(2)
    expectOneEffect(upstream, 2)
  })

  it('answers after the timeout to every try: ends at its deadline, and continues under the same key', async () => {
    const { guests, upstream, clock } = await issued({ repeats: true })
    upstream.meets(...Array.from({ length: 4 }, () => slow(clock, 20 * SECOND)))
    const asked = refusal(guests.refresh(ID))
    await clock.advance(DEADLINE)
    expect((await asked).code).toBe('deadline_exceeded')
    await clock.advance(MINUTE)
    const next = guests.refresh(ID)
    await clock.advance(DEADLINE)
    expect((await next).generation).toBe(2)
    expect([upstream.effects(ID), new Set(upstream.refreshes.map(({ key }) => key)).size]).toEqual([1, 1])
  })

  it.each([429, 503])('a %d with Retry-After: is not repeated earlier, however the time is written', async (status) => {
    const wait = 7 * SECOND
    for (const form of ['seconds', 'IMF-fixdate', 'rfc850', 'asctime'] as const) {
      const { guests, upstream, clock } = await issued({ repeats: true })
      const began = clock.wall()
      upstream.meets(instead(status, {}, { 'retry-after': written(began + wait, form, wait) }))
      const asked = guests.refresh(ID)
      await clock.advance(DEADLINE)
      expect((await asked).generation, form).toBe(2)
      const [, again = 0] = upstream.refreshes.map(({ at }) => at - began)
      expect(again, form).toBeGreaterThanOrEqual(wait)
      expect(again, form).toBeLessThanOrEqual(wait * 1.1 + SECOND)
      expectOneEffect(upstream, 2)
    }
  })

  it.each(['', 'soon', '-5', '1e3', 'Thu, 99 Jan 2026 00:00:00 GMT'])(
    'a 429 with the unreadable Retry-After %j: uses its own back-off',
    async (value) => {
      const { guests, upstream, clock } = await issued({ repeats: true })
      upstream.meets(instead(429, {}, { 'retry-after': value }))
      const asked = guests.refresh(ID)
      await clock.advance(DEADLINE)
      expect((await asked).generation).toBe(2)
      expectOneEffect(upstream, 2)
    },
  )

  it('a 429 with Retry-After beyond the deadline: fails at once, and no call is sent before that time', async () => {
    const here = await issued({ repeats: true })
    const { guests, upstream, clock, first } = here
    upstream.meets(instead(429, {}, { 'retry-after': '600' }))
    const until = clock.wall() + 10 * MINUTE
    const error = await refusal(guests.refresh(ID))
    expect(error.code).toBe('upstream_busy')
    expect(error.retryAt).toBeGreaterThanOrEqual(until)
    const other = await here.process()
    await clock.advance(9 * MINUTE)
    expect(await outcome(other.guests.refresh(ID))).toBe('upstream_busy')
    expect(await outcome(other.guests.token(ID))).toBe(first)
    expect(upstream.refreshes).toHaveLength(1)
    await clock.advance(2 * MINUTE)
    expect((await other.guests.refresh(ID)).generation).toBe(2)
    expectOneEffect(upstream, 2)
  })
})

/** A moment as Retry-After may say it (RFC 9110, 10.2.3 and 5.6.7). */
function written(at: number, form: 'seconds' | 'IMF-fixdate' | 'rfc850' | 'asctime', wait: number): string {
  const imf = new Date(at).toUTCString()
  const [, day = '', month = '', year = '', time = ''] = /^\w+, (\d+) (\w+) (\d+) ([\d:]+)/.exec(imf) ?? []
  if (form === 'seconds') return String(wait / SECOND)
  if (form === 'IMF-fixdate') return imf
  const weekday = new Date(at).toLocaleDateString('en', {
    weekday: form === 'asctime' ? 'short' : 'long',
    timeZone: 'UTC',
  })
  return form === 'rfc850'
    ? `${weekday}, ${day}-${month}-${year.slice(2)} ${time} GMT`
    : `${weekday} ${month} ${String(Number(day)).padStart(2)} ${time} ${year}`
}

describe('the signing keys during a refresh', () => {
  const mirrored = async () => issued({}, { publicKey: undefined } as never)

  it('are exchanged, the old one gone: the refreshed token verifies at once', async () => {
    const { guests, upstream } = await mirrored()
    upstream.roll()
    expect((await guests.refresh(ID)).generation).toBe(2)
    expectOneEffect(upstream, 1)
  })

  it('are unavailable: the refresh is accepted later, under the same key', async () => {
    const here = await mirrored()
    const { upstream, clock } = here
    upstream.roll()
    upstream.keySet = () => json(503, {})
    const fresh = refreshlessFacts(here.store)
    const other = await here.process({ publicKey: undefined } as never, { store: fresh })
    const asked = refusal(other.guests.refresh(ID))
    await clock.advance(DEADLINE)
    expect((await asked).code).toBe('keys_unavailable')
    expect((await here.row())?.generation).toBe(1)
    upstream.keySet = undefined
    await clock.advance(2 * MINUTE)
    const next = other.guests.refresh(ID)
    await clock.advance(DEADLINE)
    expect((await next).generation).toBe(2)
    expectOneEffect(upstream, 2)
  })

  it('are not known yet: the refresh is accepted once they are', async () => {
    const { guests, upstream, clock, first } = await mirrored()
    upstream.roll()
    upstream.keySet = () => json(503, {})
    await clock.advance(MANDATORY)
    expect(await outcome(guests.token(ID))).toBe(first)
    upstream.keySet = undefined
    await clock.advance(45 * SECOND)
    expect((await guests.token(ID)).generation).toBe(2)
    expect(new Set(upstream.refreshes.map(({ key }) => key)).size).toBe(1)
    expect(upstream.effects(ID)).toBe(1)
  })
})

describe('a stored token whose key is gone', () => {
  /** The next process has read the key-set anew: the former key is not in it. */
  const afterRoll = async () => {
    const here = await issued({}, { publicKey: undefined } as never)
    here.upstream.roll()
    const store = refreshlessFacts(here.store)
    const { guests, verifier } = await here.process({ publicKey: undefined } as never, { store })
    return { ...here, guests, verifier, store }
  }

  it('is renewed once, and the explanation names the key', async () => {
    const { guests, upstream, first, verifier, store } = await afterRoll()
    const served = await guests.token(ID)
    expect(served.generation).toBe(2)
    expect(await verifier.verify(first)).toMatchObject({ valid: false, reason: 'signature' })
    expect(await verifier.verify(served.token.reveal())).toMatchObject({ valid: true })
    expect((await guests.token(ID)).generation).toBe(2)
    expectOneEffect(upstream, 1)
    expect(await why('default', { guestId: ID }, store)).toMatchObject({ cause: 'key_gone', happened: 'renewed' })
  })

  it('is not served if its renewal fails, which the error says, and the renewal is not repeated at once', async () => {
    const { guests, upstream } = await afterRoll()
    upstream.meets(() => json(503, {}))
    const error = await refusal(guests.token(ID))
    expect(error.code).toBe('upstream_unavailable')
    expect(error.message).toContain(
      'does not verify any more: the key that signed it was replaced. Its renewal failed:',
    )
    expect((await refusal(guests.token(ID))).code).toBe('upstream_unavailable')
    expect(upstream.refreshes).toHaveLength(1)
  })

  it('leads to one renewal if the new token is refused too', async () => {
    const { guests, upstream } = await afterRoll()
    upstream.says = { exp: 1 }
    expect((await refusal(guests.token(ID))).code).toBe('token_refused')
    expect((await refusal(guests.token(ID))).code).toBe('token_refused')
    expect(upstream.refreshes).toHaveLength(1)
  })

  it('is served while the keys are unavailable', async () => {
    const { guests, upstream, first } = await afterRoll()
    upstream.keySet = () => json(503, {})
    expect(await outcome(guests.token(ID))).toBe(first)
    expect(upstream.refreshes).toHaveLength(0)
  })
})

/** A store that remembers no keys. */
const refreshlessFacts = <S extends { fact: unknown }>(store: S): S => ({ ...store, fact: async () => undefined })
