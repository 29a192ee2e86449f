import * as fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { lifetime } from '../../src/domain/lifetime.ts'
import { HOUR, MINUTE } from '../../src/domain/time.ts'

describe('the life of a token', () => {
  it.each([
    ['a number of seconds', 3_600, HOUR],
    ['digits in a text', '3600', HOUR],
    ['a fraction', 0.5, 500],
    ['the longest that is granted', 172_800, 48 * HOUR],
    ['more than that', 172_801, 48 * HOUR],
    ['far too much', 1e300, 48 * HOUR],
    ['without end', Number.POSITIVE_INFINITY, 48 * HOUR],
    ['digits without end', '999999999999999', 48 * HOUR],
    ['nothing', undefined, 5 * MINUTE],
    ['null', null, 5 * MINUTE],
    ['zero', 0, 5 * MINUTE],
    ['zero in a text', '0', 5 * MINUTE],
    ['a negative number', -1, 5 * MINUTE],
    ['a negative number in a text', '-3600', 5 * MINUTE],
    ['not a number', Number.NaN, 5 * MINUTE],
    ['a word', 'soon', 5 * MINUTE],
    ['an empty text', '', 5 * MINUTE],
    ['a number with a unit', '3600s', 5 * MINUTE],
    ['hexadecimal', '0xff', 5 * MINUTE],
    ['an exponent', '1e9', 5 * MINUTE],
    ['yes', true, 5 * MINUTE],
    ['a list', [3_600], 5 * MINUTE],
    ['an object', { seconds: 3_600 }, 5 * MINUTE],
  ])('expires_in is %s', (_, value, expected) => {
    expect(lifetime(value)).toBe(expected)
  })

  it('is always more than 0 and at most 48 hours, whatever an answer says', () => {
    fc.assert(
      fc.property(fc.anything(), (value) => {
        const life = lifetime(value)
        expect(life > 0 && life <= 48 * HOUR).toBe(true)
      }),
      { numRuns: 1_000 },
    )
  })
})
