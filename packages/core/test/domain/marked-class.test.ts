import { describe, expect, it, vi } from 'vitest'
import { Secret } from '../../src/domain/secret.ts'
import { asGuestpassError, GuestpassError } from '../../src/domain/errors.ts'

/** The classes of a second copy of the package, as a dependency brings it along. */
async function secondCopy() {
  vi.resetModules()
  const { GuestpassError: OtherError } = await import('../../src/domain/errors.ts')
  const { Secret: OtherSecret } = await import('../../src/domain/secret.ts')
  return { OtherError, OtherSecret }
}

describe('two copies of the package in one program', () => {
  it('take the errors of each other for their own', async () => {
    const { OtherError } = await secondCopy()
    expect(OtherError).not.toBe(GuestpassError)
    const error = new OtherError('store_busy', 'The store is busy.')
    expect(error instanceof GuestpassError).toBe(true)
    expect(new GuestpassError('internal', 'Odd.') instanceof OtherError).toBe(true)
    expect(asGuestpassError(error)).toBe(error)
  })

  it('take the secrets of each other for their own', async () => {
    const { OtherSecret } = await secondCopy()
    expect(new OtherSecret('a') instanceof Secret).toBe(true)
    expect(new Secret('a') instanceof OtherSecret).toBe(true)
  })
})

describe('what is no instance', () => {
  it.each([
    undefined,
    null,
    'text',
    7,
    {},
    new Error('odd'),
    { name: 'GuestpassError', code: 'internal' },
    { reveal: () => 'a' },
  ])('%s', (value) => {
    expect(value instanceof GuestpassError).toBe(false)
    expect(value instanceof Secret).toBe(false)
  })

  it('is an error of the class, for a class that extends it', () => {
    class Own extends GuestpassError {}
    expect(new GuestpassError('internal', 'Odd.') instanceof Own).toBe(false)
    expect(new Own('internal', 'Odd.') instanceof Own).toBe(true)
    expect(new Own('internal', 'Odd.') instanceof GuestpassError).toBe(true)
  })
})
