import { inspect } from 'node:util'
import { describe, expect, it } from 'vitest'
import { GuestpassError } from '../../src/domain/errors.ts'

describe('an error that a program does not catch', () => {
  it('shows its code and the facts that there are, and no others', () => {
    const error = new GuestpassError('upstream_busy', 'Try later.', { retryAt: 1_000 })
    expect(Object.keys(error).toSorted()).toEqual(['code', 'name', 'retryAt'])
    expect(inspect(error)).toContain("code: 'upstream_busy'")
    expect(inspect(error)).not.toContain('undefined')
  })
})
