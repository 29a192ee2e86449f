import { GuestpassError } from '@guestpass/core'
import { describe, expect, it } from 'vitest'
import { withRemedy } from '../../src/frame/remedy.ts'

describe('the command that mends an error', () => {
  const cause = new Error('why')
  const over = new GuestpassError('needs_reauth', 'It has ended. Sign in again.', { cause, upstream: { status: 400 } })

  it('is named for a sign-in that has ended, with and without a browser', () => {
    const told = withRemedy(over)
    expect(told.message).toContain('It has ended. Sign in again.')
    expect(told.message).toContain('`guestpass login`')
    expect(told.message).toContain('`guestpass login --device`')
    expect(told).toMatchObject({ code: 'needs_reauth', cause, upstream: { status: 400 }, stack: over.stack })
  })

  it('names the connection where it is not the default one', () => {
    expect(withRemedy(over, 'emea').message).toContain('`guestpass login --connection emea`')
  })

  it('names the option for a token that is of another subject', () => {
    const foreign = new GuestpassError('token_invalid', 'It was not taken.', { reason: 'subject' })
    expect(withRemedy(foreign).message).toMatch(/^It was not taken\. If the `sub` .* name it with --subject\.$/)
    const late = new GuestpassError('token_invalid', 'It was not taken.', { reason: 'expired' })
    expect(withRemedy(late)).toBe(late)
  })

  it('is not named for a guest whose session has ended, nor for another error', () => {
    const guest = new GuestpassError('needs_reauth', 'Guest g has ended.', { reason: 'guest' })
    const other = new GuestpassError('access_denied', 'No.')
    expect([withRemedy(guest), withRemedy(other)]).toEqual([guest, other])
  })
})
