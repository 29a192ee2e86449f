import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import type { Intent, TokenSet } from '../../../src/domain/credential.ts'
import { Secret } from '../../../src/domain/secret.ts'
import { DAY, HOUR, type Instant, MINUTE, SECOND } from '../../../src/domain/time.ts'
import { renewalAction } from '../../../src/guests/tokens/renewal-action.ts'

const NOW = Date.UTC(2026, 0, 1)

const until = (expiresAt: Instant): { tokens: TokenSet } => ({
  tokens: {
    access: new Secret('token'),
    scopes: [],
    verified: true,
    sentAt: expiresAt - HOUR,
    expiresAt,
    renewAt: expiresAt - MINUTE,
  },
})
const intent = (startedAt: Instant, action: Intent['action'] = 'refresh'): { intent: Intent } => ({
  intent: { id: 'key', action, holder: 'one', startedAt },
})

describe('the next token of a guest', () => {
  it.each([
    ['is a refresh while the token lives', until(NOW + 1), 'refresh'],
    ['is a refresh at its end', until(NOW), 'refresh'],
    ['is a refresh until 300 s after its end', until(NOW - 5 * MINUTE + 1), 'refresh'],
    ['is minted from 300 s after its end', until(NOW - 5 * MINUTE), 'mint'],
    ['is minted where there is none yet', {}, 'mint'],
    ['is the refresh that was written down, whatever the token', intent(NOW), 'repeat'],
    ['is that refresh for almost 24 hours', { ...until(NOW - HOUR), ...intent(NOW - DAY + 1) }, 'repeat'],
    ['is minted when that refresh is 24 hours old', { ...until(NOW + HOUR), ...intent(NOW - DAY) }, 'mint'],
    [
      'is minted when that refresh was written by a clock that was ahead',
      { ...until(NOW), ...intent(NOW + MINUTE) },
      'mint',
    ],
    ['is that refresh when the clocks differ a little', intent(NOW + SECOND), 'repeat'],
    ['is minted once it was decided to', { ...until(NOW + HOUR), ...intent(NOW, 'mint') }, 'mint'],
  ] as const)('%s', (_, credential, expected) => {
    expect(renewalAction(credential, NOW)).toBe(expected)
  })

  it('never repeats under a key that is 24 hours old, and never makes another key beside one that may be in use', () => {
    fc.assert(
      fc.property(fc.integer({ min: -2 * DAY, max: 3 * DAY }), fc.integer({ min: -DAY, max: DAY }), (age, left) => {
        const step = renewalAction({ ...until(NOW + left), ...intent(NOW - age) }, NOW)
        if (age >= DAY) expect(step).toBe('mint')
        expect(step).not.toBe('refresh')
      }),
      { numRuns: 500 },
    )
  })
})
