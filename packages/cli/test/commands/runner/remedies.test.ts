import { type ErrorCode, GuestpassError, guestRecords, memoryStore } from '@guestpass/core'
import { systemRandom, why } from '@guestpass/core/runtime-kit'
import { commandRemedy, programRemedy } from '@guestpass/runtime'
import { describe, expect, it } from 'vitest'
import { withRemedy } from '../../../src/commands/runner/remedies.ts'

const of = (code: ErrorCode, reason?: string): GuestpassError =>
  new GuestpassError(code, 'It failed.', reason === undefined ? {} : { reason })

describe('the remedy of an error', () => {
  const cause = new Error('why')
  const over = new GuestpassError('needs_reauth', 'It has ended. Sign in again.', { cause, upstream: { status: 400 } })

  it('names the commands for a sign-in that has ended, with and without a browser', () => {
    const shown = withRemedy(over)
    expect(shown.message).toContain('It has ended. Sign in again.')
    expect(shown.message).toContain('`guestpass login`')
    expect(shown.message).toContain('`guestpass login --device`')
    expect(shown).toMatchObject({ code: 'needs_reauth', cause, upstream: { status: 400 } })
    expect(shown.stack).toBe(over.stack?.replace(over.message, shown.message))
  })

  it.each([
    ['needs_reauth', undefined, 'guestpass login'],
    ['needs_reauth', 'guest', 'guestpass guest issue'],
    ['client_rejected', undefined, 'guestpass doctor'],
    ['access_denied', 'sign_in', 'guestpass login'],
    ['scope_missing', undefined, 'guestpass login'],
    ['token_invalid', 'expired', 'guestpass guest issue'],
    ['refresh_impossible', undefined, 'guestpass guest issue'],
    ['session_exists', undefined, 'guestpass guest invalidate --email ADDRESS --channel CHANNEL'],
    ['guest_unknown', undefined, 'guestpass guest list'],
    ['webhook_unknown', undefined, 'guestpass webhooks list'],
    ['webhook_failed', 'disabled', 'guestpass webhooks enable ID'],
    ['audit_broken', undefined, 'guestpass audit verify'],
  ] as const)(
    'of %s, reason %s, names %s, and the connection where it is not the default one',
    (code, reason, command) => {
      expect(commandRemedy(of(code, reason))).toContain(`\`${command}\``)
      expect(commandRemedy(of(code, reason), 'emea')).toContain(`\`${command} --connection emea\``)
    },
  )

  it('of a guest that is not found says what was given in place of its id', async () => {
    const id = '3f2b8c1e-7a54-4d09-9c1f-5b6e2a7d8f90'
    const store = memoryStore()
    const subject = 'subject-of-one-guest'
    const guest = { connection: 'default', id, kind: 'guest', api: 'guest-tokens', subject, generation: 1 } as const
    const credential = { ...guest, status: 'active', createdAt: 0 } as const
    await store.commit({ connection: 'default', writes: [{ credential, expect: { generation: 0 } }] })
    const records = guestRecords({ connection: 'default' }, { store, random: systemRandom() })
    // The remedies are chosen by the messages of the core library, so that these are its own.
    const remediesOf = async (asked: Promise<unknown>) => {
      const error: unknown = await asked.then(() => undefined).catch((thrown: unknown) => thrown)
      if (!(error instanceof GuestpassError)) throw new TypeError('It did not reject.')
      return [commandRemedy(error), programRemedy(error)]
    }
    expect(await remediesOf(records.show('ann@example.com'))).toEqual([
      expect.stringContaining('`guestpass guest find --email ADDRESS`'),
      expect.stringContaining('{ email }'),
    ])
    expect(await remediesOf(records.show(id, { api: 'engagements' }))).toEqual([
      expect.stringMatching(/^Leave out --api/),
      expect.stringMatching(/^Leave out `api`/),
    ])
    const other = '00000000-0000-4000-8000-000000000000'
    expect(await remediesOf(why('default', { guestId: other }, store))).toEqual([
      expect.stringContaining('`guestpass why --subject SUBJECT`'),
      expect.stringContaining('guests.why({ subject })'),
    ])
  })

  it('of a sandbox that has ended restarts the program, too', () => {
    const error = new GuestpassError('upstream_unavailable', 'cannot reach it (connect ECONNREFUSED 127.0.0.1:4000)')
    for (const remedy of [commandRemedy(error), programRemedy(error)])
      expect(remedy).toMatch(/restart (your|this) program/i)
  })

  it('of a session that exists names options that go together', () => {
    expect(commandRemedy(of('session_exists'))).toMatch(
      /If the address is verified, .*--assurance verified .*--on-duplicate reuse/,
    )
  })

  it('of a guest of external-users names that API, which has no channels', () => {
    const error = new GuestpassError('session_exists', 'The address has a guest of external-users. A request …')
    expect(commandRemedy(error)).toContain('`guestpass guest invalidate --email ADDRESS --api external-users`')
  })

  it('of scopes that are not granted is the setting, not a sign-in', () => {
    const error = new GuestpassError('scope_missing', 'upstream does not grant the scopes asked for. Check `scopes`.')
    expect(commandRemedy(error)).toMatch(/^Correct that setting, or leave it unset/)
    expect(commandRemedy(of('scope_missing'))).toContain('`guestpass login`')
  })

  it('of a guest whose session has ended takes the place of what the message advises', () => {
    const error = new GuestpassError('needs_reauth', 'Its session has ended. Authenticate the guest again.', {
      reason: 'guest',
    })
    expect(withRemedy(error).message).toBe('Its session has ended. Issue the guest again with `guestpass guest issue`.')
  })

  it('of a session that exists upstream does not advise to end it here', () => {
    const error = new GuestpassError('session_exists', 'It exists.', { upstream: { status: 409 } })
    expect(commandRemedy(error)).toMatch(/^If the address is verified, .*--assurance verified /)
  })

  it('of a create in doubt names its option only if a request must ask for a second guest', () => {
    const asking = new GuestpassError('create_in_doubt', "Ask with `onDoubt: 'create'`.")
    expect(commandRemedy(asking)).toContain('--create-again')
    expect(commandRemedy(new GuestpassError('create_in_doubt', 'The next request resumes it.'))).toBeUndefined()
  })

  it('of an unknown connection lists the known ones, of whatever connection', () => {
    expect(commandRemedy(of('connection_unknown'), 'emea')).toContain('`guestpass connections list`')
  })

  it('names the option for a token that is of another subject', () => {
    expect(withRemedy(of('token_invalid', 'subject')).message).toMatch(/^It failed\. If the `sub` .* --subject\.$/)
  })

  it.each([
    ['token_invalid', 'malformed'],
    ['access_denied', undefined],
    ['webhook_failed', undefined],
    ['upstream_busy', undefined],
  ] as const)('of %s, reason %s, is none: the error stays as it is', (code, reason) => {
    const error = of(code, reason)
    expect(withRemedy(error)).toBe(error)
  })

  it('is not added to a message that names a command already', () => {
    const error = new GuestpassError('guest_unknown', 'No such guest. See `guestpass guest find`.')
    expect(withRemedy(error)).toBe(error)
  })

  it('names variables in place of options of the library, and members of the file for another connection', () => {
    const error = new GuestpassError('config_invalid', "Set `preflight: 'off'`, or check `client.secret`.", {
      fields: [{ field: 'hosts.issuer', message: 'is not `issuer`', remedy: 'Set `hosts.issuer`.' }],
    })
    expect(withRemedy(error)).toMatchObject({
      message: 'Set GENESYS_PREFLIGHT=off, or check GENESYS_CLIENT_SECRET.',
      fields: [{ field: 'GENESYS_ISSUER', message: 'is not GENESYS_TOKEN_ISSUER', remedy: 'Set GENESYS_ISSUER.' }],
    })
    expect(withRemedy(error, 'emea')).toMatchObject({
      message: "Set connections.emea.preflight: 'off', or check connections.emea.clientSecret.",
      fields: [{ field: 'connections.emea.issuer' }],
    })
  })
})

describe('the hint at an old environment', () => {
  const contradictions = [
    {
      used: { name: 'GENESYS_API_BASE_URL', origin: 'environment' },
      unused: { name: 'GENESYS_API_BASE_URL', origin: '.env' },
    },
  ] as const

  it.each(['upstream_unavailable', 'client_rejected', 'keys_unavailable', 'deadline_exceeded'] as const)(
    'follows the remedy of %s',
    (code) => {
      expect(withRemedy(of(code), 'default', contradictions).message).toMatch(
        /GENESYS_API_BASE_URL comes from the environment; \.env has another value: `unset GENESYS_API_BASE_URL`, or use a new terminal\.$/,
      )
    },
  )

  it('is not given for other errors, and not if files differ from each other', () => {
    expect(withRemedy(of('guest_unknown'), 'default', contradictions).message).not.toContain('unset')
    const [{ unused }] = contradictions
    const inFiles = [{ used: { name: 'clientId', origin: 'guestpass.config.json' }, unused }] as const
    expect(withRemedy(of('client_rejected'), 'default', inFiles).message).not.toContain('unset')
  })
})
