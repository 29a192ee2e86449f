import { describe, expect, it } from 'vitest'
import { fakeClock } from '../../../src/testing/index.ts'
import { createExpiringValue } from '../../../src/tokens/renewal/expiring-value.ts'

const STORM = 1_000

function holding(freshFor: number) {
  const clock = fakeClock()
  const one = createExpiringValue<string>(clock)
  one.set('token', freshFor)
  const look = (times: number): void => {
    for (let time = 0; time < times; time += 1) one.get()
  }
  return { clock, one, look }
}

describe('a value held in memory', () => {
  it('is absent before it is kept and after it is dropped', () => {
    const { one } = holding(1_000)
    expect(createExpiringValue<string>(fakeClock()).get()).toBeUndefined()
    expect(one.get()).toBe('token')
    one.clear()
    expect(one.get()).toBeUndefined()
  })

  it('ends when its time has passed', async () => {
    const { clock, one } = holding(1_000)
    await clock.advance(999)
    expect(one.get()).toBe('token')
    await clock.advance(1)
    expect(one.get()).toBeUndefined()
  })

  it('ends when the wall clock alone has moved on, as over a suspended machine', () => {
    const { clock, one } = holding(1_000)
    clock.stepWall(1_000)
    expect(one.get()).toBeUndefined()
  })

  it('lives no longer when the wall clock is set back', async () => {
    const { clock, one } = holding(1_000)
    clock.stepWall(-500)
    await clock.advance(1_000)
    expect(one.get()).toBeUndefined()
  })

  it('waits for no timer when it is looked at now and then', async () => {
    const { clock, look } = holding(60_000)
    for (let glance = 0; glance < 5; glance += 1) {
      look(STORM - 1)
      expect(clock.sleeping).toBe(0)
      await clock.advance(10)
    }
  })

  it('is looked at by the clocks again within 10 ms of a storm of looks', async () => {
    const { clock, one, look } = holding(1_000)
    look(STORM)
    clock.stepWall(1_000)
    expect(one.get()).toBe('token')
    await clock.advance(10)
    expect(one.get()).toBeUndefined()
  })

  it('is replaced and dropped at once, also in a storm of looks', () => {
    const { one, look } = holding(1_000)
    look(STORM)
    one.set('another', 1_000)
    expect(one.get()).toBe('another')
    look(STORM)
    one.clear()
    expect(one.get()).toBeUndefined()
  })

  it('spares the clocks for as many looks at most, when no timer fires in a storm of them', () => {
    const { one, look, clock } = holding(1_000)
    look(STORM)
    clock.stepWall(1_000)
    look(STORM)
    expect(one.get()).toBeUndefined()
    expect(one.get()).toBeUndefined()
  })
})
