import { GuestpassError, Secret } from '@guestpass/core'
import { SECOND } from '@guestpass/core/store-kit'
import { unsavedTokenHooks } from '@guestpass/runtime'
import { describe, expect, it } from 'vitest'
import type { Cli } from '../src/commands/runner/command.ts'
import { showUnsavedOnFailure } from '../src/unsaved-tokens.ts'

/** A command's surroundings that remember what was said. */
function listening() {
  const [notes, answers]: [string[], unknown[]] = [[], []]
  const cli = {
    note: (line: string) => notes.push(line),
    showToken: (secret: Secret) => secret.mask(),
    answer: (document: unknown, lines: () => readonly string[]) => answers.push([document, lines()]),
  } as unknown as Cli
  return { cli, notes, answers }
}

const full = new GuestpassError('store_unavailable', 'The disk is full.', { reason: 'disk_full' })
const waiting = { connection: 'default', credential: 'grant' }

describe('new tokens that the store does not take', () => {
  it('are reported every five seconds, with the path of a full disk', () => {
    const { cli, notes } = listening()
    const busy = new GuestpassError('store_busy', 'The store is busy.')
    const { onUnsaved, unsavedMs } = unsavedTokenHooks('/data/gp.db', cli, false)
    onUnsaved?.({ ...waiting, error: full, sinceMs: 5_500 })
    onUnsaved?.({ ...waiting, error: busy, sinceMs: 10_500 })
    expect([unsavedMs, notes]).toEqual([
      60 * SECOND,
      [
        'The store cannot take the new tokens: the disk is full (/data/gp.db). Trying again; 5 s of 60 s.',
        'The store cannot take the new tokens: The store is busy. Trying again; 10 s of 60 s.',
      ],
    ])
  })

  it('wait for keys without a word of the store or of room', async () => {
    const { cli, notes } = listening()
    const error = new GuestpassError('keys_unavailable', 'The signing keys cannot be had.')
    unsavedTokenHooks('/data/gp.db', cli, false).onUnsaved?.({ ...waiting, error, sinceMs: 5_000 })
    const unsaved = { token: new Secret('test-secret-token-123456789'), expiresAt: 0, generation: 2, scopes: [] }
    const end = new GuestpassError('in_doubt', 'They could not be judged.', { unsaved, cause: error })
    await expect(showUnsavedOnFailure(() => Promise.reject(end), cli)).rejects.toBe(end)
    expect(notes).toEqual([
      'The new tokens wait: The signing keys cannot be had. Trying again; 5 s of 60 s.',
      'The sign-in is in doubt: the new tokens end with this process. Mend that, then ask again.',
    ])
  })

  it('wait as long as the process where that stays up', () => {
    const { cli, notes } = listening()
    const { onUnsaved, unsavedMs } = unsavedTokenHooks('/data/gp.db', cli, true)
    onUnsaved?.({ ...waiting, error: full, sinceMs: 65_000 })
    expect([unsavedMs, notes[0]]).toEqual([undefined, expect.stringMatching(/Trying again; 65 s so far\.$/)])
  })

  it.each([
    ['an access token', { scopes: ['guest:write'] }, { accessToken: 'gp_…6789', scope: 'guest:write' }, /^The sign-in/],
    ['a guest’s token', { guestId: 'g-1' }, { guestId: 'g-1', token: 'gp_…6789' }, /^Guest g-1/],
  ])('are shown, masked, before the failure: %s', async (_what, facts, document, note) => {
    const { cli, notes, answers } = listening()
    const unsaved = { token: new Secret('test-secret-token-123456789'), expiresAt: 0, generation: 2, ...facts }
    const error = new GuestpassError('in_doubt', 'The store did not take it.', { unsaved })
    await expect(showUnsavedOnFailure(() => Promise.reject(error), cli)).rejects.toBe(error)
    expect(answers).toEqual([
      [
        { ...document, expiresAt: '1970-01-01T00:00:00.000Z', generation: 2, status: 'in_doubt' },
        ['gp_…6789', '  valid until 1970-01-01T00:00:00.000Z; it is not stored'],
      ],
    ])
    expect(notes).toEqual([expect.stringMatching(note)])
  })
})
