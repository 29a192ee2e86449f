import * as fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { reservePermits, applyFeedback } from '../../src/domain/bucket.ts'
import type { BackOff, GuestCredential, TokenSet } from '../../src/domain/credential.ts'
import { defaultWindows, tokenEnd, freshness, plan, renewalTime } from '../../src/domain/plan.ts'
import { Secret } from '../../src/domain/secret.ts'
import { CLOCK_TOLERANCE, DAY, HOUR, isInForce, MINUTE, SECOND } from '../../src/domain/time.ts'
import { GuestpassError } from '../../src/domain/errors.ts'
import { backOffAfter } from '../../src/tokens/renewal/back-off.ts'
import { tokenSet } from '../../src/tokens/access/token-set.ts'
import { ID, request, refreshWorld } from '../world/refresh-world.ts'
import { json } from '../world/fake-upstream.ts'
import { outcome, refusal, world } from '../world/world.ts'

const REAL = Date.UTC(2026, 0, 1)
/** How far a clock is from the right one. */
const skew = fc.oneof(fc.constant(0), fc.integer({ min: -DAY, max: DAY }))
const upstreamDown = new GuestpassError('upstream_unavailable', 'down')

const guest = (more: Partial<GuestCredential>): GuestCredential => ({
  connection: 'default',
  id: 'one',
  kind: 'guest',
  api: 'guest-tokens',
  subject: 'subject',
  generation: 1,
  status: 'active',
  createdAt: 0,
  ...more,
})

const rests = (backOff: BackOff, now: number): boolean =>
  plan(guest({ backOff }), {}, now, defaultWindows).do === 'refuse'

describe('a back-off', () => {
  it('that any clock wrote keeps no other clock waiting for longer than its own length', () => {
    const askedMs = fc.oneof(fc.constant(0), fc.integer({ min: 0, max: HOUR }))
    const anyChance = fc.double({ min: 0, max: 1, maxExcluded: true, noNaN: true })
    fc.assert(
      fc.property(
        skew,
        skew,
        fc.integer({ min: 0, max: DAY }),
        askedMs,
        anyChance,
        (writer, reader, later, ms, chance) => {
          const backOff = backOffAfter(upstreamDown, undefined, REAL + writer, ms, chance)
          const now = REAL + later + reader
          // Whenever it is seen to hold, it is over a span later by the same clock.
          if (rests(backOff, now)) expect(rests(backOff, now + Math.max(SECOND, ms) + CLOCK_TOLERANCE)).toBe(false)
          if (writer > later + reader + CLOCK_TOLERANCE) expect(rests(backOff, now)).toBe(false)
          if (writer === reader) expect(rests(backOff, now)).toBe(now < backOff.until)
        },
      ),
      { numRuns: 1_000 },
    )
  })

  it('of before, which does not say how long it was, holds for 5 minutes at most', () => {
    const { ms: _none, ...old } = backOffAfter(upstreamDown, undefined, REAL, 4 * MINUTE, 0)
    expect([rests(old, REAL), rests(old, REAL - DAY), rests(old, REAL + 4 * MINUTE)]).toEqual([true, false, false])
  })

  it('by a clock that was ahead does not hold up the next process', async () => {
    const { clock, process, upstream } = world()
    const token = upstream.token
    upstream.token = () => json(503, {}, { 'retry-after': '60' })
    clock.stepWall(10 * MINUTE)
    expect(await outcome((await process()).accessTokens.token())).toBe('upstream_unavailable')
    clock.stepWall(-10 * MINUTE)
    upstream.token = token
    expect(await outcome((await process()).accessTokens.token())).toMatch('test-secret-token-')
  })

  it('by the same clock holds for all processes', async () => {
    const { process, upstream } = world()
    upstream.token = () => json(503, {}, { 'retry-after': '60' })
    await refusal((await process()).accessTokens.token())
    await refusal((await process()).accessTokens.token())
    expect(upstream.asked.token).toHaveLength(1)
  })
})

describe('a token set', () => {
  /** What a clock that is off stores of a token that lives `life`, from a right issuer whose Date header it saw or did not. */
  function stored(writer: number, life: number, heard: boolean): TokenSet {
    const sentAt = REAL + writer
    const exp = REAL + life
    // Differences under 2 s count as none.
    const offset = heard && Math.abs(writer) >= 2 * SECOND ? -writer : 0
    const of = { asked: [], sentAt, expiresAt: Math.min(sentAt + life, exp - offset), exp, verified: true }
    return tokenSet({ access: new Secret('access') }, of, defaultWindows, 0)
  }
  const life = fc.integer({ min: 5 * SECOND, max: 2 * DAY })

  it('that any clock wrote is never served past its own end, as a right clock sees it', () => {
    fc.assert(
      fc.property(skew, life, fc.boolean(), fc.integer({ min: 0, max: 3 * DAY }), (writer, span, heard, later) => {
        const tokens = stored(writer, span, heard)
        const now = REAL + later
        if (freshness(tokens, now, defaultWindows) !== 'expired') expect(later).toBeLessThan(span)
      }),
      { numRuns: 2_000 },
    )
  })

  it('is served to its end by any clock that knows how far the issuer is away', () => {
    fc.assert(
      fc.property(skew, life, fc.double({ min: 0, max: 1, maxExcluded: true, noNaN: true }), (writer, span, part) => {
        const tokens = stored(writer, span, true)
        const now = REAL + writer + span * part
        const offset = Math.abs(writer) >= 2 * SECOND ? -writer : 0
        if (now < tokens.expiresAt) expect(freshness(tokens, now, defaultWindows, now + offset)).not.toBe('expired')
      }),
      { numRuns: 1_000 },
    )
  })

  it('has whole milliseconds, and an end that is handed out is never past its own', () => {
    const part = fc.double({ min: 0, max: 1, noNaN: true })
    fc.assert(
      fc.property(skew, life, part, fc.option(part), (writer, span, fraction, own) => {
        const exp = own === null ? {} : { exp: REAL + span * own }
        const of = {
          asked: [],
          sentAt: REAL + fraction,
          expiresAt: REAL + writer + span + fraction,
          verified: true,
          ...exp,
        }
        const tokens = tokenSet({ access: new Secret('access') }, of, defaultWindows, 0)
        const end = tokenEnd(tokens)
        expect([tokens.sentAt, tokens.expiresAt, end].every(Number.isInteger)).toBe(true)
        expect(end).toBeLessThanOrEqual(Math.min(of.expiresAt, exp.exp ?? of.expiresAt))
        expect(tokens.expiresAt).toBeLessThanOrEqual(of.expiresAt)
      }),
    )
  })

  it('of before, which does not say its own end, is read as it was', () => {
    const old: TokenSet = {
      access: new Secret('access'),
      scopes: [],
      verified: true,
      sentAt: REAL,
      expiresAt: REAL + HOUR + 0.5,
      renewAt: renewalTime(REAL, REAL + HOUR, defaultWindows, 0),
    }
    expect(freshness(old, REAL + MINUTE, defaultWindows, REAL + DAY)).toBe('fresh')
    expect(freshness(old, REAL + HOUR + 1, defaultWindows)).toBe('expired')
    expect(tokenEnd(old)).toBe(REAL + HOUR)
  })

  it.each([12 * SECOND, 10 * MINUTE])(
    'of a guest, by a clock %i ms ahead, is not served past its end',
    async (ahead) => {
      const here = refreshWorld()
      here.clock.stepWall(ahead)
      here.upstream.skewMs = -ahead
      await (await here.process()).guests.issue(request)
      const end = here.clock.wall() - ahead + HOUR
      here.clock.stepWall(-ahead)
      here.upstream.skewMs = 0
      const down = await here.process({}, { http: async () => json(503, {}) })
      await here.clock.advance(end - here.clock.wall() - 1)
      expect(await outcome(down.guests.token(ID))).toMatch('ey')
      await here.clock.advance(1)
      expect(await outcome(down.guests.token(ID))).toBe('upstream_unavailable')
      await here.clock.advance(SECOND)
      expect((await (await here.process()).guests.token(ID)).generation).toBe(2)
    },
  )

  it('of a guest stays denied for as long as a verifier could accept it', async () => {
    const here = refreshWorld()
    here.clock.stepWall(-5 * HOUR)
    here.upstream.skewMs = 5 * HOUR
    const { guests } = await here.process()
    const { token } = await guests.issue(request)
    await guests.revoke(ID)
    here.clock.stepWall(5 * HOUR)
    here.upstream.skewMs = 0
    await here.clock.advance(HOUR - MINUTE)
    const { verifier } = await here.process()
    expect(await verifier.verify(token.reveal())).toEqual({ valid: false, reason: 'revoked' })
  })
})

describe('a pause of a rate limit', () => {
  it('that any clock wrote, over a bucket of any other, holds no caller longer than it was', () => {
    const ask = { perMinute: 300, burst: 10, permits: 1, maxWaitMs: DAY }
    const pause = fc.integer({ min: 0, max: HOUR })
    fc.assert(
      fc.property(skew, skew, skew, pause, (first, writer, reader, pauseMs) => {
        const { bucket } = reservePermits(undefined, ask, REAL + first)
        const paused = applyFeedback(bucket, { pauseMs }, REAL + writer)
        const { answer } = reservePermits(paused, ask, REAL + reader)
        // The pause, and one interval for each of the two permits.
        expect(answer.waitMs).toBeLessThanOrEqual(pauseMs + 400)
        if (reader === writer) expect(answer.waitMs).toBeGreaterThanOrEqual(pauseMs - 1e-6)
      }),
      { numRuns: 1_000 },
    )
  })
})

it('what is stored to hold for a span holds to its end, and not at all when a clock that was ahead wrote it', () => {
  const at = (now: number): boolean => isInForce(REAL + HOUR, HOUR, now)
  expect([REAL, REAL + HOUR - 1, REAL + HOUR, REAL - CLOCK_TOLERANCE, REAL - CLOCK_TOLERANCE - 1].map(at)).toEqual([
    true,
    true,
    false,
    true,
    false,
  ])
})
