import * as fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { DAY, HOUR, MINUTE, SECOND } from '../../src/domain/time.ts'
import type { Clock } from '../../src/ports/clock.ts'
import { fakeClock } from '../../src/testing/index.ts'
import { createIssuerClock, offsetFact } from '../../src/verify/issuer-clock.ts'

function observing(clock = fakeClock(), remembered?: unknown) {
  const changes: number[] = []
  const issuer = createIssuerClock(clock, remembered, (offset) => changes.push(offset))
  return { clock, changes, issuer, ahead: (ms: number) => issuer.observe(clock.wall() + ms) }
}

it('the clock of an issuer is ours until it says otherwise', () => {
  const { issuer, clock } = observing()
  expect([issuer.now(), issuer.offset()]).toEqual([clock.wall(), 0])
  issuer.observe(undefined)
  expect(issuer.offset()).toBe(0)
})

it('differences under two seconds are none, and small changes of a large one no news', () => {
  const { ahead, changes, issuer } = observing()
  for (const ms of [1_999, -1_999, HOUR, HOUR + 1_999, HOUR - 1_999, HOUR + 2_000, 0]) ahead(ms)
  expect(changes).toEqual([HOUR, HOUR + 2 * SECOND, 0])
  expect(issuer.offset()).toBe(0)
})

it('an absurd difference says nothing', () => {
  const { ahead, changes } = observing()
  for (const ms of [2 * DAY + 1, -2 * DAY - 1, Number.NaN]) ahead(ms)
  expect(changes).toEqual([])
  ahead(2 * DAY)
  expect(changes).toEqual([2 * DAY])
})

it('the clock of an issuer goes on with ours', async () => {
  const { issuer, clock, ahead } = observing()
  ahead(HOUR)
  await clock.advance(DAY)
  expect(issuer.now()).toBe(clock.wall() + HOUR)
})

describe('an offset that was stored', () => {
  const next = (clock: Clock, fact: unknown): number => createIssuerClock(clock, fact).offset()

  it('is used by another process of the machine, however much later', async () => {
    const clock = fakeClock()
    const fact = offsetFact(clock, HOUR)
    await clock.advance(30 * DAY)
    expect(next(clock, fact)).toBe(HOUR)
  })

  it.each([DAY, HOUR, 10 * MINUTE, 2 * SECOND, -2 * SECOND, -10 * MINUTE, -HOUR, -DAY])(
    'is not used when the wall clock was set by %i ms since',
    (step) => {
      const clock = fakeClock()
      const fact = offsetFact(clock, HOUR)
      clock.stepWall(step)
      expect(next(clock, fact)).toBe(0)
    },
  )

  it('is not used by another machine, nor where machines cannot be distinguished', () => {
    const clock = fakeClock()
    const fact = offsetFact(clock, HOUR)
    const { uptime: _none, ...web } = clock
    expect(next({ ...clock, uptime: () => 3 * DAY }, fact)).toBe(0)
    expect(next(web, fact)).toBe(0)
    expect(offsetFact(web, HOUR)).toBeUndefined()
  })

  it('is not used when it is anything else: a bare number of before, an absurd one, garbage', () => {
    const clock = fakeClock()
    const startedAt = clock.wall()
    for (const fact of [HOUR, null, 'x', [], {}, { offset: HOUR }, { startedAt }, { offset: 'x', startedAt }])
      expect(next(clock, fact)).toBe(0)
    for (const offset of [Number.NaN, Number.POSITIVE_INFINITY, 2 * DAY + 1])
      expect(next(clock, { offset, startedAt })).toBe(0)
    expect(next(clock, { offset: HOUR, startedAt })).toBe(HOUR)
  })
})

describe('a wall clock that is set after the offset was measured', () => {
  it('leaves no offset until the next Date header', () => {
    const { issuer, clock, ahead, changes } = observing()
    ahead(-10 * MINUTE)
    clock.stepWall(-10 * MINUTE)
    expect([issuer.offset(), issuer.now()]).toEqual([0, clock.wall()])
    ahead(0)
    expect([issuer.offset(), issuer.now()]).toEqual([0, clock.wall()])
    expect(changes).toEqual([-10 * MINUTE, 0])
  })

  it('does not take the time of the issuer back behind what is known of it', async () => {
    const { issuer, clock, ahead } = observing()
    ahead(0)
    const then = clock.wall()
    clock.stepWall(-HOUR)
    await clock.advance(MINUTE)
    expect(issuer.now()).toBe(then + MINUTE)
  })

  it('and by as much as the issuer is away stores the offset anew, for other processes of this clock', () => {
    const { issuer, clock, ahead, changes } = observing()
    ahead(HOUR)
    clock.stepWall(HOUR)
    ahead(HOUR)
    expect(issuer.offset()).toBe(HOUR)
    expect(changes).toEqual([HOUR, HOUR])
  })

  it('holds for a step of less than two seconds, as a clock that is steered makes', () => {
    const { issuer, clock, ahead } = observing()
    ahead(HOUR)
    clock.stepWall(1_999)
    expect(issuer.offset()).toBe(HOUR)
  })
})

it('whatever the wall clock is set to, an issuer is never taken to be earlier than it is once it was heard', async () => {
  const step = fc.record({
    wait: fc.integer({ min: 0, max: HOUR }),
    step: fc.oneof(fc.constant(0), fc.integer({ min: -DAY, max: DAY })),
    heard: fc.boolean(),
  })
  await fc.assert(
    fc.asyncProperty(fc.integer({ min: -DAY, max: DAY }), fc.array(step, { maxLength: 8 }), async (wrong, steps) => {
      const clock = fakeClock()
      // What the issuer's clock says: it is right, and goes on with the monotonic one.
      const real = (): number => Date.UTC(2026, 0, 1) + wrong + clock.monotonic()
      const { issuer } = observing(clock)
      issuer.observe(real())
      for (const { wait, step: by, heard } of steps) {
        await clock.advance(wait)
        clock.stepWall(by)
        if (heard && Math.abs(real() - clock.wall()) <= 2 * DAY) issuer.observe(real())
        expect(issuer.now()).toBeGreaterThan(real() - 4 * SECOND)
      }
    }),
    { numRuns: 100 },
  )
})
