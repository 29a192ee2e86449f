import { describe, expect, it } from 'vitest'
import { refuseCallbackError } from '../../../src/tokens/sign-in/callback-error.ts'

const said = (query: Record<string, string>): string => {
  try {
    refuseCallbackError(new URLSearchParams(query))
    return 'nothing'
  } catch (thrown) {
    return String(thrown)
  }
}

describe('the error of a callback', () => {
  it('is nothing where there is a code', () => {
    expect(said({ code: 'a' })).toBe('nothing')
  })

  it('shows what upstream says, as one line, without addresses and secrets', () => {
    const description = 'no such scope\r\nfor ann@example.com and token eyJhbGciOiJSUzI1NiJ9abcdefgh'
    expect(said({ error: 'invalid_scope', error_description: description })).toMatch(
      /upstream answered invalid_scope \(no such scope +for \[removed\] and token \[removed\]\)\. Check `scopes`/,
    )
  })

  it('is a denial whatever its description, and shows no error that is none', () => {
    expect(said({ error: 'access_denied', error_description: 'x' })).toContain('denied')
    expect(said({ error: '<b>' })).toContain('upstream answered an unreadable error. Begin')
  })
})
