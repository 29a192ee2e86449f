import { describe, expect, it } from 'vitest'
import { HOUR, MINUTE, SECOND } from '../../../src/domain/time.ts'
import { createRejections, type Resource } from '../../../src/tokens/access/rejections.ts'
import { fakeClock } from '../../../src/testing/index.ts'

const REFUSING: Resource = { origin: 'https://api.example.com', name: 'GET /refusing' }
const OTHER: Resource = { origin: 'https://api.example.com', name: 'GET /other' }
const ELSEWHERE: Resource = { origin: 'https://elsewhere.example.com', name: 'GET /refusing' }

/** A credential whose tokens are renewed wherever a refusal leads to that. */
function credential() {
  const clock = fakeClock()
  const one = createRejections(clock)
  let generation = 1
  const current = () => ({ credentialId: 'grant', generation })
  return {
    clock,
    one,
    generation: () => generation,
    refuse(by: Resource = REFUSING): boolean {
      const renews = one.shouldRenew(current(), by)
      if (renews) one.recordIssued({ credentialId: 'grant', generation: (generation += 1) })
      return renews
    },
    take: (by: Resource = REFUSING) => one.recordAccepted(current(), by),
  }
}

describe('a token that a resource refuses', () => {
  it('is renewed at once the first time, then after 1 s, 2 s, 4 s, … 5 min', async () => {
    const { clock, refuse } = credential()
    expect(refuse()).toBe(true)
    for (const wait of [1, 2, 4, 8, 16, 32, 64, 128, 256, 300, 300]) {
      await clock.advance(wait * SECOND - 1)
      expect([wait, refuse()]).toEqual([wait, false])
      await clock.advance(1)
      expect([wait, refuse()]).toEqual([wait, true])
    }
  })

  it('is renewed each time where it is not known which resource refuses', () => {
    const { one } = credential()
    for (const generation of [1, 2, 3])
      expect(one.shouldRenew({ credentialId: 'grant', generation }, undefined)).toBe(true)
    expect(one.newestRejected('grant')).toBe(3)
  })

  it('costs little in a day, however often it is refused', async () => {
    const { clock, refuse, generation } = credential()
    for (let at = 0; at < 24 * HOUR; at += 10 * SECOND) {
      refuse()
      await clock.advance(10 * SECOND)
    }
    expect(generation()).toBeLessThan(24 * 12 + 10)
  })

  it('is renewed at once when it was taken there since the last time', async () => {
    const { refuse, take } = credential()
    for (let round = 0; round < 10; round += 1) {
      expect(refuse()).toBe(true)
      take()
    }
  })

  it('is renewed at once for another origin', () => {
    const { refuse } = credential()
    expect([refuse(), refuse(), refuse(ELSEWHERE), refuse()]).toEqual([true, false, true, false])
  })

  it('is renewed rarely though other resources of the origin take it', async () => {
    const { clock, refuse, take, generation } = credential()
    for (let at = 0; at < HOUR; at += SECOND) {
      refuse()
      take(OTHER)
      await clock.advance(SECOND)
    }
    expect(generation()).toBeLessThan(25)
  })

  it('and that took it before is waited for 30 s at most while another one refuses all', async () => {
    const { clock, refuse, take } = credential()
    for (let at = 0; at < 20 * MINUTE; at += SECOND) {
      refuse()
      await clock.advance(SECOND)
    }
    take(OTHER)
    let waited = 0
    for (; !refuse(OTHER); waited += SECOND) await clock.advance(SECOND)
    expect(waited).toBeLessThanOrEqual(30 * SECOND)
  })

  it('is not refused again when it is an older one: that has been renewed', () => {
    const { one } = credential()
    expect(one.shouldRenew({ credentialId: 'grant', generation: 3 }, REFUSING)).toBe(true)
    expect(one.shouldRenew({ credentialId: 'grant', generation: 2 }, REFUSING)).toBe(true)
    expect(one.newestRejected('grant')).toBe(3)
    expect(one.newestRejected('another')).toBe(-1)
  })

  it('waits from the end of the renewal on, however long that takes', async () => {
    const { clock, one } = credential()
    one.shouldRenew({ credentialId: 'grant', generation: 1 }, REFUSING)
    await clock.advance(10 * SECOND)
    one.recordIssued({ credentialId: 'grant', generation: 1 })
    one.recordIssued({ credentialId: 'grant', generation: 2 })
    expect(one.shouldRenew({ credentialId: 'grant', generation: 2 }, REFUSING)).toBe(false)
    await clock.advance(SECOND)
    one.recordIssued({ credentialId: 'grant', generation: 2 })
    expect(one.shouldRenew({ credentialId: 'grant', generation: 2 }, REFUSING)).toBe(true)
  })
})
