import { describe, expect, it } from 'vitest'
import { DAY, HOUR, MINUTE, SECOND } from '../../../src/domain/time.ts'
import { GuestpassError } from '../../../src/domain/errors.ts'
import { backOffAfter } from '../../../src/tokens/renewal/back-off.ts'

describe('the back-off of a renewal', () => {
  const busy = new GuestpassError('upstream_busy', 'busy', { retryAt: 1 })
  const down = new GuestpassError('upstream_unavailable', 'down', { retryAt: 1 })

  it.each([
    ['a refusal of our own', busy],
    ['an answer of upstream', down],
  ])('after %s lasts as long as it asks for, and an hour at most', (_, error) => {
    const lasts = (askedMs: number): number => backOffAfter(error, undefined, 0, askedMs, 0).ms ?? 0
    expect(lasts(10 * MINUTE)).toBe(10 * MINUTE)
    expect(lasts(HOUR)).toBe(HOUR)
    expect(lasts(365 * DAY)).toBe(HOUR)
  })

  it('is exponential if the error names no time', () => {
    expect(backOffAfter(down, undefined, 0, 0, 0).ms).toBe(SECOND)
    expect(backOffAfter(down, undefined, 0, 0, 0.5).ms).toBe(0.75 * SECOND)
    expect(backOffAfter(down, undefined, 0, Number.NEGATIVE_INFINITY, 0).ms).toBe(SECOND)
  })
})
