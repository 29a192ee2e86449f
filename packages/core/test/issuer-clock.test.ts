import { expect, it } from 'vitest'
import { DAY, HOUR, SECOND } from '../src/domain/time.ts'
import { fakeClock } from '../src/testing/index.ts'
import { issuerClock } from '../src/verify/issuer-clock.ts'

function observing(remembered?: number) {
  const clock = fakeClock()
  const told: number[] = []
  const issuer = issuerClock(clock, remembered, (offset) => told.push(offset))
  return { clock, told, issuer, ahead: (ms: number) => issuer.observe(clock.wall() + ms) }
}

it('the clock of an issuer is ours until it says otherwise', () => {
  const { issuer, clock } = observing()
  expect([issuer.now(), issuer.offset()]).toEqual([clock.wall(), 0])
  issuer.observe(undefined)
  expect(issuer.offset()).toBe(0)
})

it('differences under two seconds are none, and small changes of a large one no news', () => {
  const { ahead, told, issuer } = observing()
  for (const ms of [1_999, -1_999, HOUR, HOUR + 1_999, HOUR - 1_999, HOUR + 2_000, 0]) ahead(ms)
  expect(told).toEqual([HOUR, HOUR + 2 * SECOND, 0])
  expect(issuer.offset()).toBe(0)
})

it('an absurd difference says nothing, whether seen or remembered', () => {
  const { ahead, told } = observing()
  for (const ms of [2 * DAY + 1, -2 * DAY - 1, Number.NaN]) ahead(ms)
  expect(told).toEqual([])
  ahead(2 * DAY)
  expect(told).toEqual([2 * DAY])
  for (const wrong of [Number.NaN, Number.POSITIVE_INFINITY, 2 * DAY + 1])
    expect(observing(wrong).issuer.offset()).toBe(0)
  expect(observing(HOUR).issuer.offset()).toBe(HOUR)
})

it('the clock of an issuer goes on with ours', async () => {
  const { issuer, clock, ahead } = observing()
  ahead(HOUR)
  await clock.advance(DAY)
  expect(issuer.now()).toBe(clock.wall() + HOUR)
})
