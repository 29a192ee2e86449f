import { GuestpassError, Secret } from '@guestpass/core'
import { fakeClock, settle } from '@guestpass/core/testing'
import type { ApiKey, ConfiguredKey } from '@guestpass/runtime'
import { expect, it } from 'vitest'
import { digestOf } from '../src/auth/key-digest.ts'
import { watchConfiguredKeys } from '../src/auth/watched-keys.ts'
import { createServiceLog } from '../src/http/log.ts'

const keyOf = (key: string): ApiKey => ({ role: 'issuer', connection: 'default', key: new Secret(key) })

it('keys in a file are read again, and an unreadable file leaves those of before in force', async () => {
  const clock = fakeClock()
  const lines: string[] = []
  let read: () => readonly ApiKey[] = () => [keyOf('test-secret-first')]
  let current: readonly ConfiguredKey[] | undefined
  const keys = { replaceConfigured: (found: typeof current) => void (current = found) }
  const stop = new AbortController()
  const log = createServiceLog((line) => void lines.push(line))
  const watching = watchConfiguredKeys(async () => read(), { keys, clock, log }, stop.signal)
  await settle()
  expect(current).toBeUndefined()
  read = () => [keyOf('test-secret-second'), keyOf('test-secret-third')]
  await clock.advance(5_000)
  const digests = ['second', 'third'].map((name) => digestOf(`test-secret-${name}`))
  expect(current?.map(({ digest }) => digest)).toEqual(digests)
  read = () => {
    const fields = [{ field: 'GUESTPASS_API_KEYS_FILE', message: 'has a blank', remedy: 'Leave it out.' }]
    throw new GuestpassError('config_invalid', 'The configuration has a mistake.', { fields })
  }
  await clock.advance(5_000)
  expect(current).toHaveLength(2)
  expect(lines.join('')).toMatch(
    /2 keys are in force.*could not be read again: .* GUESTPASS_API_KEYS_FILE has a blank. Leave it out\./s,
  )
  stop.abort()
  await watching
})
