import * as fc from 'fast-check'
import { expect, it } from 'vitest'
import { lengthPrefixed } from '../../src/domain/length-prefix.ts'

// Parts that look like the joining itself are the likeliest to collide.
const part = fc.option(
  fc.oneof(fc.string({ maxLength: 8 }), fc.stringMatching(/^[0-9:-]{0,6}$/), fc.constantFrom('', '-', '0:', '1:a')),
  { nil: undefined },
)
const parts = fc.array(part, { maxLength: 5 })

it('no two lists of parts give the same key', () => {
  fc.assert(
    fc.property(parts, parts, (one, other) => {
      const same = JSON.stringify(one.map((text) => text ?? null)) === JSON.stringify(other.map((text) => text ?? null))
      expect(lengthPrefixed(one) === lengthPrefixed(other)).toBe(same)
    }),
    { numRuns: 2_000 },
  )
})

it('cutting the same text elsewhere gives another key', () => {
  fc.assert(
    fc.property(fc.string({ minLength: 1, maxLength: 12 }), fc.nat(12), fc.nat(12), (text, one, other) => {
      const cut = (place: number): string => lengthPrefixed([text.slice(0, place), text.slice(place)])
      expect(cut(one) === cut(other)).toBe(Math.min(one, text.length) === Math.min(other, text.length))
    }),
  )
})

it('nothing, an empty part and no part differ', () => {
  expect(new Set([lengthPrefixed([]), lengthPrefixed(['']), lengthPrefixed([undefined])]).size).toBe(3)
})
