import { GuestpassError } from '@guestpass/core'
import { describe, expect, it } from 'vitest'
import { withSettingNames } from '../../src/config/core-options.ts'

const nameOf = (key: string): string => `<${key}>`

describe('options of the core library in an error', () => {
  it.each([
    ['Check `client.id` and `client.secret`.', 'Check <clientId> and <clientSecret>.'],
    ['Set `algorithms`, or `hosts.jwksUrl`.', 'Set <tokenAlgorithms>, or <jwksUrl>.'],
    ["Try `client.basicEncoding: 'form'`.", "Try <basicEncoding>: 'form'."],
    ['The claim `iss` and `constructor`, scopes and client.id stay.', undefined],
  ])('get the names of their settings: %s', (message, expected) => {
    const error = new GuestpassError('access_denied', message)
    expect(withSettingNames(error, nameOf).message).toBe(expected ?? message)
  })

  it('stay where a request is at fault, whose members may have the same names', () => {
    const fields = [{ field: 'scopes', message: 'is missing', remedy: 'Give `scopes`.' }]
    const error = new GuestpassError('invalid_input', 'Give `scopes`.', { fields })
    expect(withSettingNames(error, nameOf)).toBe(error)
  })

  it('get the names of their settings in a remedy for a request, if their names have a dot', () => {
    const remedy = 'Change `webhooks.secret`, not `scopes`.'
    const error = new GuestpassError('invalid_input', `No. ${remedy}`, {
      fields: [{ field: 'id', message: 'is', remedy }],
    })
    const named = withSettingNames(error, nameOf)
    expect(named.message).toBe('No. Change <webhookSecret>, not `scopes`.')
    expect(named.fields).toEqual([{ field: 'id', message: 'is', remedy: 'Change <webhookSecret>, not `scopes`.' }])
  })

  it('are named in fields too, and everything else of the error stays', () => {
    const cause = new Error('why')
    const fields = [{ field: 'hosts.issuer', message: 'is not `hosts.issuer`', remedy: 'Set it.' }]
    const error = new GuestpassError('config_invalid', 'It failed.', { fields, cause, reason: 'issuer', retryAt: 5 })
    const named = withSettingNames(error, nameOf)
    expect(named).toMatchObject({ message: 'It failed.', cause, reason: 'issuer', retryAt: 5, stack: error.stack })
    expect(named.fields).toEqual([{ field: '<issuer>', message: 'is not <issuer>', remedy: 'Set it.' }])
  })
})
