/** A property that fails on purpose. Only random-seed.test.ts runs it. */
import * as fc from 'fast-check'
import { it } from 'vitest'

it('holds for small numbers only', () => {
  fc.assert(
    fc.property(fc.nat(1_000_000), (value) => value < 100_000),
    { endOnFailure: true },
  )
})
