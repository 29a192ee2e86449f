import * as fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import type { BackOff, Credential, Status } from '../../src/domain/credential.ts'
import { type TokenCriteria, defaultWindows, freshness, type Plan, plan, renewalTime } from '../../src/domain/plan.ts'
import { Secret } from '../../src/domain/secret.ts'
import { CLOCK_TOLERANCE, DAY, HOUR, MINUTE, NEVER, SECOND } from '../../src/domain/time.ts'

const SENT = Date.UTC(2026, 0, 1)
const END = SENT + HOUR

/** A credential of generation 3 whose tokens live an hour: advisory 5 minutes, mandatory 1 minute before the end. */
const credential = (more: Partial<Credential> = {}, sentAt = SENT, expiresAt = END): Credential => ({
  connection: 'default',
  id: 'one',
  kind: 'access',
  api: 'oauth',
  subject: 'subject',
  generation: 3,
  status: 'active',
  createdAt: SENT,
  tokens: {
    access: new Secret('access'),
    scopes: [],
    verified: false,
    sentAt,
    expiresAt,
    renewAt: renewalTime(sentAt, expiresAt, defaultWindows, 0),
  },
  ...more,
})

const without = ({ tokens: _none, ...rest }: Credential): Credential => rest

const resting = (until: number): { backOff: BackOff } => ({
  backOff: { until, failures: 1, code: 'upstream_unavailable', message: 'token: upstream answered 503.' },
})

/** The plan in words. */
const words = (next: Plan): string => {
  if (next.do === 'use') return next.renew ? 'use and renew behind' : 'use'
  if (next.do === 'renew') return next.stale ? 'renew, stale at hand' : 'renew'
  return next.error.code
}

const at = (now: number, of: Credential | undefined = credential(), ask: TokenCriteria = {}): string =>
  words(plan(of, ask, now, defaultWindows))

describe('what to do with a credential', () => {
  it.each([
    ['just sent', SENT, 'use'],
    ['before the advisory window', END - 5 * MINUTE - 1, 'use'],
    ['at the begin of the advisory window', END - 5 * MINUTE, 'use and renew behind'],
    ['before the mandatory window', END - MINUTE - 1, 'use and renew behind'],
    ['at the begin of the mandatory window', END - MINUTE, 'renew, stale at hand'],
    ['in the last millisecond', END - 1, 'renew, stale at hand'],
    ['at the end', END, 'renew'],
    ['long after the end', END + DAY, 'renew'],
    ['when it was sent up to 5 s in the future, as clocks of processes differ', SENT - 5 * SECOND, 'use'],
    ['when it was sent further in the future, because its age is not known', SENT - 5 * SECOND - 1, 'renew'],
  ])('%s', (_, now, expected) => {
    expect(at(now)).toBe(expected)
  })

  it('renews where nothing is stored, or no tokens yet', () => {
    expect(words(plan(undefined, {}, SENT, defaultWindows))).toBe('renew')
    expect(at(SENT, without(credential({ generation: 0 })))).toBe('renew')
  })

  it.each([
    ['advisory', END - 2 * MINUTE, 'use'],
    ['mandatory', END - SECOND, 'use'],
    ['mandatory, in the last millisecond', END - 1, 'use'],
    ['expired', END, 'upstream_unavailable'],
  ])('serves a token to its end while a failed renewal rests: %s', (_, now, expected) => {
    expect(at(now, credential(resting(now + 1)))).toBe(expected)
  })

  it('tries again at the very end of the rest', () => {
    expect(at(END - SECOND, credential(resting(END - SECOND)))).toBe('renew, stale at hand')
    expect(at(END, credential(resting(END)))).toBe('renew')
  })

  it('says of a renewal that rests why it failed and when it is tried again', () => {
    const next = plan(credential(resting(END + MINUTE)), {}, END, defaultWindows)
    expect(next.do === 'refuse' && next.error.toProblem()).toMatchObject({
      code: 'upstream_unavailable',
      retryable: true,
      retryAt: '2026-01-01T01:01:00.000Z',
      detail: 'token: upstream answered 503. Not asked again before 2026-01-01T01:01:00.000Z.',
    })
  })

  it('says the time of the next try once, whatever the stored failure says', () => {
    const { backOff, ...rest } = resting(END + MINUTE)
    const message = `${backOff?.message} No time is left to wait for another try. Ask again at 2026-01-01T01:00:30.000Z or later.`
    const next = plan(
      credential({ ...rest, ...(backOff ? { backOff: { ...backOff, message } } : {}) }),
      {},
      END,
      defaultWindows,
    )
    expect(next.do === 'refuse' && next.error.message).toBe(
      'token: upstream answered 503. Not asked again before 2026-01-01T01:01:00.000Z.',
    )
  })

  it('does not serve a rejected token, fresh or stale', () => {
    expect(at(SENT, credential(), { newerThan: 2 })).toBe('use')
    expect(at(SENT, credential(), { newerThan: 3 })).toBe('renew')
    expect(at(END - 1, credential(), { newerThan: 3 })).toBe('renew')
    expect(at(END - 1, credential(resting(END)), { newerThan: 3 })).toBe('upstream_unavailable')
  })

  it.each<[Status, string, string]>([
    ['in_doubt', 'use', 'renew'],
    ['needs_reauth', 'use', 'needs_reauth'],
    ['revoked', 'guest_revoked', 'guest_revoked'],
    ['erased', 'guest_revoked', 'guest_revoked'],
  ])('a guest that is %s: before the end %s, after it %s', (status, before, after) => {
    const guest = credential({ kind: 'guest', status })
    expect(at(SENT, guest)).toBe(before)
    expect(at(END - 1, guest)).toBe(before)
    expect(at(END, guest)).toBe(after)
  })

  it('a connection that was signed out has to sign in again', () => {
    expect(at(SENT, credential({ kind: 'grant', status: 'revoked' }))).toBe('needs_reauth')
  })

  it('serves the current token in doubt to its end, also if a newer one is asked for or a back-off is in force', () => {
    expect(at(SENT, credential({ status: 'in_doubt' }), { newerThan: 3 })).toBe('in_doubt')
    expect(at(END, credential({ status: 'in_doubt', ...resting(END + 1) }))).toBe('upstream_unavailable')
  })

  it('tokens that cannot be renewed are served to their end, and are never due', () => {
    const of = credential()
    const fixed = { ...of, ...(of.tokens ? { tokens: { ...of.tokens, renewAt: NEVER } } : {}) }
    expect(at(END - 1, fixed)).toBe('use')
    expect(at(END - 1, fixed, { early: true })).toBe('use')
    expect(at(SENT, fixed, { newerThan: 3 })).toBe('refresh_impossible')
    expect(at(END, fixed)).toBe('refresh_impossible')
  })
})

describe('the time of renewal', () => {
  it.each([
    [15 * MINUTE, 5 * MINUTE, MINUTE],
    [HOUR, 5 * MINUTE, MINUTE],
    [2 * DAY, 5 * MINUTE, MINUTE],
    [6 * MINUTE, 2 * MINUTE, MINUTE],
    [3 * MINUTE, MINUTE, 30 * SECOND],
    [6 * SECOND, 2 * SECOND, SECOND],
  ])('of a life of %i ms: advisory %i, mandatory %i before the end', (life, advisory, mandatory) => {
    expect(defaultWindows.advisory(life)).toBe(advisory)
    expect(defaultWindows.mandatory(life)).toBe(mandatory)
    expect(renewalTime(SENT, SENT + life, defaultWindows, 0)).toBe(SENT + life - advisory)
  })

  it('is put off by up to a fifth of the window, never into the mandatory one', () => {
    expect(renewalTime(SENT, END, defaultWindows, 0.5)).toBe(END - 4.5 * MINUTE)
    const narrow = { advisory: () => 10 * SECOND, mandatory: () => 9.5 * SECOND }
    expect(renewalTime(SENT, END, narrow, 0.99)).toBe(END - 9.5 * SECOND)
  })
})

describe('for any credential', () => {
  const life = fc.integer({ min: 1, max: 2 * DAY })
  const anyJitter = fc.double({ min: 0, max: 1, maxExcluded: true, noNaN: true })
  const order = ['fresh', 'advisory', 'mandatory', 'expired']

  it('time only moves a token from fresh over advisory and mandatory to expired', () => {
    fc.assert(
      fc.property(life, anyJitter, fc.array(fc.double({ min: 0, max: 1.2, noNaN: true })), (span, chance, points) => {
        const of = credential({}, SENT, SENT + span).tokens
        if (!of) return
        const tokens = { ...of, renewAt: renewalTime(SENT, SENT + span, defaultWindows, chance) }
        const states = points.sort((a, b) => a - b).map((part) => freshness(tokens, SENT + part * span, defaultWindows))
        const ranks = states.map((state) => order.indexOf(state))
        expect(ranks).toEqual([...ranks].sort((a, b) => a - b))
      }),
      { numRuns: 500 },
    )
  })

  it('no plan serves a token that has ended, was rejected, or belongs to a revoked credential', () => {
    const statuses = fc.constantFrom<Status>('active', 'in_doubt', 'needs_reauth', 'revoked', 'erased')
    const moment = fc.integer({ min: -2 * DAY, max: 2 * DAY })
    fc.assert(
      fc.property(
        life,
        moment,
        statuses,
        fc.option(moment),
        fc.option(fc.integer({ min: 0, max: 5 })),
        (span, offset, status, rest, newerThan) => {
          const now = SENT + offset
          const backOff = rest === null ? {} : resting(now + rest)
          const of = credential({ status, ...backOff }, SENT, SENT + span)
          const next = plan(of, newerThan === null ? {} : { newerThan }, now, defaultWindows)
          const served = next.do === 'use' ? next.tokens : next.do === 'renew' ? next.stale : undefined
          if (served) {
            expect(now).toBeLessThan(SENT + span)
            expect(newerThan ?? -1).toBeLessThan(3)
            expect(['revoked', 'erased']).not.toContain(status)
          }
          const asksUpstream = next.do === 'renew' || (next.do === 'use' && next.renew)
          if (asksUpstream) {
            expect(['active', 'in_doubt']).toContain(status)
            if (status === 'in_doubt') expect(served).toBeUndefined()
            expect(rest === null || rest <= 0 || rest > 5 * MINUTE + CLOCK_TOLERANCE).toBe(true)
          }
          if (next.do === 'renew' && served === undefined && rest === null && newerThan === null) {
            expect(now >= SENT + span || SENT > now + 5 * SECOND).toBe(true)
          }
        },
      ),
      { numRuns: 1_000 },
    )
  })
})
